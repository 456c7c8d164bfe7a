// SPDX-License-Identifier: MIT
import test from "ava";
import { type Entry, Units } from "../../src/units/units.js";

const connection = {};
const request = (openedNs: number, answeredBy?: string): Entry => ({
  unit: "reader",
  connection,
  openedNs,
  closedNs: 1_000,
  isAnsweredByUnit: false,
  answeredBy,
  traceId: BigInt(openedNs),
});
const origins = new Map([
  ["worker", { parent: "reader", createdNs: 20, endedNs: 900 }],
  ["helper", { parent: "worker", createdNs: 30, endedNs: 800 }],
]);
const made = (...entries: readonly Entry[]): Units => {
  const units = new Units((unit) => origins.get(unit));
  for (const entry of entries) units.open(entry);
  return units;
};

test("of streams that were read at once the one is meant that the unit, or one that made it, has answered", (t) => {
  const [mine, other] = [request(10, "worker"), request(10, "somebody")];
  t.is(made(mine, other).causeOf("worker", 50), mine);
  t.is(made(other, mine).causeOf("helper", 50), mine);
});

test("of streams that were read at once and not answered yet none is meant for certain", (t) => {
  t.is(made(request(10), request(10)).causeOf("worker", 50), "uncertain");
});

test("a unit that has answered two of the streams that were in hand says nothing", (t) => {
  t.is(made(request(9, "worker"), request(10, "worker")).causeOf("worker", 50), "uncertain");
});

test("a unit made before a stream was read is not for it, whoever answers", (t) => {
  t.is(made(request(40, "worker")).causeOf("worker", 50), "none");
});
