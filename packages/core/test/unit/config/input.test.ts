// SPDX-License-Identifier: MIT

import test from "ava";
import { z } from "zod";
import { defineSection, loadConfig, sectionOf } from "../../../src/index.js";

const section = defineSection({
  name: "linker",
  description: "d",
  config: z.strictObject({ window: z.string().default("20s"), db_path: z.string().default("") }),
});
const text = '[[inputs.ebpf]]\nwindow = "1s"\n[[inputs.ebpftrace]]\nwindow = "5s"\ndb_path = "/a"\n';

test("another input has a table and variables of its own", async (t) => {
  const config = await loadConfig({
    input: "ebpftrace",
    text,
    env: { ENV_INPUT_EBPFTRACE_DB_PATH: "/b", ENV_INPUT_EBPF_WINDOW: "7s" },
    sections: [section],
    plugins: async () => [],
  });
  t.deepEqual(sectionOf(config, section), { window: "5s", db_path: "/b" });
  t.deepEqual(
    config.notices.map(({ key }) => key),
    ["inputs.ebpf"],
  );
});
