// SPDX-License-Identifier: MIT
// Makes a fresh clone run: system packages, npm dependencies, compiled TypeScript and BPF. Does only what is missing.
//
//   node scripts/setup.mjs            what `npm start` and bin/skep need
//   node scripts/setup.mjs --tests    and what the tests need
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { checkNode, checkSystem, findProgram } from "./setup/host.mjs";
import { isDone, perform, root } from "./setup/stamp.mjs";
import { setupSteps } from "./setup/steps.mjs";
import { installSystemPackages } from "./setup/system-packages.mjs";
import { runScript } from "./setup/trouble.mjs";

/**
 * Two set-ups at once (bin/skep in parallel tests) would build over each other: the second waits, then finds all done.
 * The lock is the kernel's, so it goes away with its holder, however that ends.
 */
function againUnderLock(args) {
  const flock = findProgram(["flock"]);
  if (flock === undefined || process.env.SKEP_SETUP_LOCKED) return undefined;
  mkdirSync(join(root, ".cache"), { recursive: true });
  const command = [join(root, ".cache", "setup.lock"), process.execPath, import.meta.filename, ...args];
  return spawnSync(flock, command, { stdio: "inherit", env: { ...process.env, SKEP_SETUP_LOCKED: "1" } }).status ?? 1;
}

await runScript(async () => {
  const args = process.argv.slice(2);
  const tests = args.includes("--tests");
  checkNode();
  checkSystem();
  installSystemPackages({ forTests: tests });
  if (setupSteps({ tests }).every(isDone)) return;
  const status = againUnderLock(args);
  if (status !== undefined) return status;
  for (const step of setupSteps({ tests })) if (!isDone(step)) perform(step);
});
