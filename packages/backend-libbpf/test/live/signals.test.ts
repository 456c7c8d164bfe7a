// SPDX-License-Identifier: MIT

import { patience, until } from "@skep/testkit";
import test from "ava";
import koffi from "koffi";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { nothingLeft } from "./support/kernel.js";
import { group, request } from "./support/request.js";

const ladder = await compile("ladder");
const ITIMER_REAL = 0;
const setitimer = koffi.load(null).func("setitimer", "int", ["int", "void *", "void *"]);
/** SIGALRM from now on, every so many microseconds; 0 ends it. */
const alarmEvery = (us: bigint) => setitimer(ITIMER_REAL, BigInt64Array.of(0n, us, 0n, us), null) as number;

test.serial("signals that come faster than the verifier works wait until a program is loaded", async (t) => {
  let alarms = 0;
  const count = () => alarms++;
  process.on("SIGALRM", count);
  t.teardown(() => {
    alarmEvery(0n);
    process.off("SIGALRM", count);
  });
  t.is(alarmEvery(100n * BigInt(patience)), 0);
  await until(() => alarms > 0, { what: "the first alarm" });

  for (let round = 0; round < 5; round++) {
    // A new backend each time: what one has tried it does not try again.
    const backend = libbpfBackend();
    const session = await backend.open(
      request({
        objects: { ladder },
        probes: { calls: group({ name: "raw", programs: { by_raw_tp: { kind: "raw_tp", event: "sys_enter" } } }) },
        rodata: { target_tgid: process.pid, enabled: true },
      }),
    );
    await session.attach();
    await backend.close();
    const before = alarms;
    await until(() => alarms > before, { what: "an alarm after a load" });
  }
  alarmEvery(0n);
  t.true(await nothingLeft(["by_raw_tp", "ladder_counts"]));
});
