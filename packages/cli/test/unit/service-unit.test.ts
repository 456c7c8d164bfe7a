// SPDX-License-Identifier: MIT
// deploy/skep.service against the command it starts.
import { readFileSync } from "node:fs";
import test from "ava";
import { ExitStatus } from "../../src/exit-status.js";
import { builtins } from "../../src/plugins.js";

const unit = readFileSync(new URL("../../../../deploy/skep.service", import.meta.url), "utf8");
const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";

test("the service has the capabilities its plugins name, conntrack's CAP_SYS_ADMIN aside, and none without use", (t) => {
  const wanted = new Set(builtins.flatMap(({ capabilities }) => capabilities));
  wanted.delete("CAP_SYS_ADMIN");
  // Libraries in other users' directories; locked memory before Linux 5.11.
  for (const more of ["CAP_DAC_READ_SEARCH", "CAP_SYS_RESOURCE"]) wanted.add(more);
  t.deepEqual(valueOf("AmbientCapabilities").split(" ").sort(), [...wanted].sort());
  t.is(valueOf("CapabilityBoundingSet"), valueOf("AmbientCapabilities"));
});

test("the service starts again what failed, and not what cannot succeed", (t) => {
  t.is(valueOf("Restart"), "on-failure");
  t.is(valueOf("RestartPreventExitStatus"), `${ExitStatus.usage} ${ExitStatus.nothingRuns}`);
  t.true(Number(valueOf("TimeoutStopSec")) > 5);
});
