// SPDX-License-Identifier: MIT
// What the kernel counts of a program's runs.

import test from "ava";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { request } from "./support/request.js";

const a = await compile("shared_a");

test.serial("a program's runs and times are counted while statistics are on, and not before and after", async (t) => {
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const session = await backend.open(
    request({
      objects: { a },
      probes: {
        a: {
          observes: "getppid",
          strategies: [{ name: "raw", programs: { count_in_a: { kind: "raw_tp", event: "sys_enter" } } }],
        },
      },
      rodata: { shared_tgid: process.pid },
      mapEntries: { shared_counts: 4 },
    }),
  );
  await session.attach();
  const now = () => session.programStats?.().find(({ program }) => program === "count_in_a");
  t.is(now()?.runs, 0);
  const stats = backend.enableStats!();
  for (let count = 0; count < 100; count++) void process.ppid;
  const { runs = 0, runTimeNs = 0 } = now() ?? {};
  stats.close();
  t.true(runs >= 100, `${runs} runs`);
  t.true(runTimeNs / runs > 1 && runTimeNs / runs < 1e6, `${runTimeNs} ns for ${runs} runs`);
  stats.close(); // twice does no harm
  await session.close();
  t.deepEqual(session.programStats?.(), []);
});
