// SPDX-License-Identifier: MIT
import type { Call } from "@skep/protocols";
import test from "ava";
import type { Connection } from "../../src/capture/connection.js";
import { SharedConnections } from "../../src/units/shared-connections.js";
import type { Work } from "../../src/units/work.js";

const connection = {} as Connection;

/** A call that was asked and answered between two times, ms; without the second it goes on. */
const call = (fromMs: number, toMs?: number, on = connection): Work => ({
  connection: on,
  call: { firstNs: fromMs * 1e6, lastNs: (toMs ?? fromMs) * 1e6 } as Call,
  isIncoming: false,
  mover: { pid: 1, tid: 1, goroutine: 1n, threadName: "", timeNs: fromMs * 1e6, isSure: true },
  unit: "1 g1",
  entry: undefined,
  cause: undefined,
  toldNs: toMs === undefined ? undefined : toMs * 1e6,
  isAnybodys: false,
});

function anybodys(...works: readonly Work[]): readonly boolean[] {
  const shared = new SharedConnections();
  for (const work of works) shared.began(work);
  return works.map(({ isAnybodys }) => isAnybodys);
}

test("calls one after the other, each over before the next, are their writers'", (t) => {
  t.deepEqual(anybodys(call(0, 1), call(2, 3), call(4, 9)), [false, false, false]);
});

test("calls that one write carries may be of anybody who shares the connection", (t) => {
  t.deepEqual(anybodys(call(0, 1), call(5), call(5)), [false, true, true]);
});

test("a call while another is under way may be of anybody", (t) => {
  t.deepEqual(anybodys(call(0), call(2, 3)), [false, true]);
});

test("after a call that may be anybody's so may the next be, until nobody calls for a while", (t) => {
  t.deepEqual(anybodys(call(0), call(1, 2), call(3, 4), call(200, 201)), [false, true, true, false]);
});

test("other connections tell nothing of a call", (t) => {
  t.deepEqual(anybodys(call(0), call(0, 1, {} as Connection)), [false, false]);
});
