// SPDX-License-Identifier: MIT
// `npm test`: sets up, then runs every check, each with its time.
//
//   node scripts/test.mjs              all
//   node scripts/test.mjs unit live    only these
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { isRoot } from "./setup/host.mjs";
import { root } from "./setup/stamp.mjs";
import { runScript, Trouble } from "./setup/trouble.mjs";

const seconds = (value) => `${value.toFixed(1)} s`.padStart(8);

function setUp() {
  const begin = performance.now();
  const { status } = spawnSync(process.execPath, ["scripts/setup.mjs", "--tests"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Trouble("the set-up did not succeed: nothing was tested");
  console.log(`==> setup      ${seconds((performance.now() - begin) / 1000)}  ok`);
}

function chosen(stages, names) {
  const known = stages.flat().map((step) => step.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Trouble(`no such step: ${unknown.join(", ")}`, `there are ${known.join(", ")}`);
  const wanted = (step) => names.length === 0 || names.includes(step.name);
  return stages.map((stage) => stage.filter(wanted)).filter((stage) => stage.length > 0);
}

/** Runs the steps of a stage side by side; what they came to, and what went wrong. */
async function runStage(stage) {
  const { runStep } = await import("./test/run-step.mjs");
  const echo = stage.length === 1;
  return Promise.all(
    stage.map(async (step) => {
      const result = await runStep(step, { echo });
      if (!echo && result.problem) process.stdout.write(result.output);
      const verdict = result.problem ? `FAILED: ${result.problem}` : "ok";
      console.log(`==> ${step.name.padEnd(10)} ${seconds(result.seconds)}  ${verdict}  (${step.what})`);
      return { step, ...result };
    }),
  );
}

await runScript(async () => {
  setUp();
  const { stages } = await import("./test/steps.mjs");
  const plan = chosen(stages, process.argv.slice(2));
  if (plan.flat().some((step) => step.root) && !isRoot()) {
    throw new Trouble("the live tests load BPF programs and need root", "run as root, or: npm run test:unit");
  }
  const begin = performance.now();
  const results = [];
  for (const stage of plan) results.push(...(await runStage(stage)));
  const { accountOf } = await import("./test/account.mjs");
  for (const { step, problem, output } of results) {
    if (problem) console.log(`\n==> ${step.name} FAILED: ${problem}\n\n${accountOf(output)}\n`);
  }
  const { add } = await import("./test/tally.mjs");
  const total = results.map(({ tally }) => tally).reduce(add);
  console.log(`==> all tests  ${seconds((performance.now() - begin) / 1000)}`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
});
