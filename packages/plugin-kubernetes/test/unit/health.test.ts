// SPDX-License-Identifier: MIT
import test from "ava";
import { Health } from "../../src/health.js";

function health() {
  const reasons = new Set<string>();
  const seen: number[] = [];
  const note = () => void seen.push(reasons.size);
  const kept = new Health("stale", (reason) => {
    reasons.add(reason);
    note();
    return () => {
      reasons.delete(reason);
      note();
    };
  });
  return { health: kept, reasons, seen };
}

test("one trouble of several resources is one reason", (t) => {
  const { health: h, reasons } = health();
  h.set("services", "refused");
  h.set("pods", "refused");
  t.deepEqual([...reasons], ["stale: pods, services: refused"]);
  h.set("secrets", "HTTP 403");
  t.deepEqual([...reasons], ["stale: pods, services: refused; secrets: HTTP 403"]);
});

test("the reason goes with the last trouble, and not for a moment before", (t) => {
  const { health: h, reasons, seen } = health();
  h.set("pods", "refused");
  h.set("services", "timed out");
  h.set("pods", undefined);
  t.deepEqual([...reasons], ["stale: services: timed out"]);
  t.false(seen.includes(0));
  h.set("services", undefined);
  t.deepEqual([...reasons], []);
});

test("the same trouble again is nothing new", (t) => {
  const { health: h, seen } = health();
  h.set("pods", "refused");
  h.set("pods", "refused");
  t.is(seen.length, 1);
});
