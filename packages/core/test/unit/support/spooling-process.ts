// SPDX-License-Identifier: MIT
// A program that gets rid of no point: numbered ones, ever more of them, into the spool that its argument names. Says how many lie there.
import { ExportError, systemClock, type Point } from "../../../src/index.js";
import { ExportQueue } from "../../../src/points/export-queue.js";
import { Spool } from "../../../src/points/spool.js";
import { sample } from "./plugins.js";

const queue = new ExportQueue(
  {
    name: "away",
    batchPoints: 7,
    export: () => {
      throw new ExportError("away", { retryable: true });
    },
  },
  {
    clock: systemClock,
    capacity: 1_000_000,
    batch: 7,
    attemptMs: 1000,
    retry: { initialMs: 1, maxMs: 2 },
    onLoss: () => {},
    onError: () => {},
  },
);
queue.useSpool(await Spool.open(process.argv[2]!, 1e9));
let next = 0;
setInterval(() => {
  const points: Point[] = Array.from({ length: 5 }, () => sample.point(1n, { kind: "x" }, { value: next++ }));
  queue.push(points);
  process.stdout.write(`${queue.status().spooled}\n`);
}, 1);
