// SPDX-License-Identifier: MIT

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { Spool } from "../../src/points/spool.js";

const program = fileURLToPath(new URL("../unit/support/spooling-process.ts", import.meta.url));
const node = ["--import=./scripts/ts-node.mjs", "--conditions=skep-source", "--no-warnings", program];

for (const least of [20, 100, 400]) {
  test(`an agent that is killed with ${least} points and more on disk leaves them whole, in order, without a hole`, async (t) => {
    t.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), "skep-crash-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const child = spawn(process.execPath, [...node, folder], { stdio: ["ignore", "pipe", "inherit"] });
    let told = 0;
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      told = Math.max(told, ...(chunk as string).split("\n").slice(0, -1).map(Number));
      if (told >= least) break;
    }
    t.true(told >= least, `it ended after ${told}`);
    child.kill("SIGKILL");
    if (child.signalCode === null) await once(child, "exit");

    const spool = await Spool.open(folder, 1e9);
    const values: unknown[] = [];
    for (;;) {
      const { points, damaged } = await spool.first();
      t.is(damaged, 0);
      if (points === undefined) break;
      values.push(...points.map(({ fields }) => fields["value"]));
      await spool.removeFirst();
    }
    t.true(values.length >= told, `${values.length} of ${told}`);
    t.deepEqual(
      values,
      values.map((_, index) => index),
    );
  });
}
