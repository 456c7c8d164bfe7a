// SPDX-License-Identifier: MIT
import type { Call } from "@skep/protocols";
import test from "ava";
import type { Connection } from "../../src/capture/connection.js";
import { SharedConnections } from "../../src/units/shared-connections.js";
import type { Work } from "../../src/units/work.js";

const connection = {} as Connection;

/** A call that `unit` began, as far as is known, `ms` milliseconds on. */
const callBy = (unit: string, ms: number, on = connection): Work => ({
  connection: on,
  call: {} as Call,
  isIncoming: false,
  mover: { pid: 1, tid: 1, goroutine: 1n, threadName: "", timeNs: 1e9 + ms * 1e6, isSure: true },
  unit,
  entry: undefined,
  cause: undefined,
  toldNs: undefined,
  isAnybodys: false,
});

function anybodys(...works: readonly Work[]): readonly boolean[] {
  const shared = new SharedConnections();
  for (const work of works) shared.began(work);
  return works.map(({ isAnybodys }) => isAnybodys);
}

test("calls that one write carries may be of anybody who shares the connection", (t) => {
  t.deepEqual(anybodys(callBy("a", 0), callBy("b", 500), callBy("b", 500)), [false, true, true]);
});

test("a call soon after another unit's may be of anybody, and is its writer's when nobody else was about", (t) => {
  t.deepEqual(anybodys(callBy("a", 0), callBy("b", 1), callBy("b", 2), callBy("a", 200)), [false, true, false, false]);
});

test("other connections tell nothing of a call", (t) => {
  t.deepEqual(anybodys(callBy("a", 0), callBy("b", 0, {} as Connection)), [false, false]);
});
