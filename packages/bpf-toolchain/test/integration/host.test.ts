// SPDX-License-Identifier: MIT

import { join } from "node:path";
import test from "ava";
import { runOnHost } from "@skep/bpf-toolchain";
import { SkepError } from "@skep/core";
import { emptyPackage, fixtures, writeFiles } from "./workspace.js";

test("BPF C runs on the host with maps that fill up and rings that overflow", async (t) => {
  const output = await runOnHost({ source: join(fixtures, "host/quota.c") });
  t.deepEqual(JSON.parse(output), {
    // Two records for process 7 and a refusal, one for 8, no room in the map for 9, none in the ring for 8.
    results: [1, 1, 0, 1, -7, -1],
    records: [
      [7, 1, "bash"],
      [7, 2, "bash"],
      [8, 1, "bash"],
    ],
    ringFull: 1,
  });
});

test("a program that fails on the host shows its status and what it printed", async (t) => {
  const directory = await emptyPackage(t);
  await writeFiles(directory, { "fail.c": 'int puts(const char *);\nint main(void) { puts("why"); return 3; }\n' });
  await t.throwsAsync(runOnHost({ source: join(directory, "fail.c") }), {
    instanceOf: SkepError,
    message: /status 3:\nwhy/,
  });
});

test("a missing C compiler is said to be missing", async (t) => {
  const options = { source: join(fixtures, "host/quota.c"), compiler: "no-such-compiler" };
  await t.throwsAsync(runOnHost(options), { instanceOf: SkepError, message: /no-such-compiler does not run/ });
});
