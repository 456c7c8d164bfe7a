// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { Claims } from "../../src/cluster/claims.js";

interface Pod {
  readonly id: number;
  readonly created: number;
}

const claimsOfPods = () => new Claims<Pod>((one, other) => other.created - one.created);

test("a newer pod has an address, whoever is heard of last", (t) => {
  const claims = claimsOfPods();
  const older = { id: 1, created: 10 };
  const newer = { id: 2, created: 20 };
  claims.add("10.0.0.1", newer);
  claims.add("10.0.0.1", older);
  t.is(claims.get("10.0.0.1"), newer);
  claims.remove("10.0.0.1", newer);
  t.is(claims.get("10.0.0.1"), older);
});

test("who is gone is found until it is forgotten, but not before somebody who is there", (t) => {
  const claims = claimsOfPods();
  const gone = { id: 1, created: 30 };
  claims.add("10.0.0.1", gone);
  claims.retire(["10.0.0.1"], gone, 1000);
  t.is(claims.get("10.0.0.1"), gone);
  const there = { id: 2, created: 10 };
  claims.add("10.0.0.1", there);
  t.is(claims.get("10.0.0.1"), there);
  claims.remove("10.0.0.1", there);
  claims.forget(999);
  t.is(claims.get("10.0.0.1"), gone);
  claims.forget(1000);
  t.is(claims.get("10.0.0.1"), undefined);
});

const action = fc.record({
  what: fc.constantFrom("add", "remove", "retire", "forget"),
  pod: fc.integer({ min: 0, max: 5 }),
  name: fc.constantFrom("a", "b"),
});

test("after any coming and going a name is the newest one's that is there, else the newest one's that is not yet forgotten", (t) => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const claims = claimsOfPods();
      let now = 0;
      const next = { a: [] as Pod[], b: [] as Pod[] };
      const gone = new Set<Pod>();
      for (const { what, pod: at, name } of actions) {
        now++;
        const names = next[name as "a" | "b"];
        const there = names.filter((pod) => !gone.has(pod));
        if (what === "add") {
          const pod = { id: now, created: at };
          names.push(pod);
          claims.add(name, pod);
        } else if (what === "forget") {
          claims.forget(now);
          for (const each of ["a", "b"] as const) next[each] = next[each].filter((pod) => !gone.has(pod));
        } else if (there.length > 0) {
          const pod = there[at % there.length]!;
          if (what === "retire") {
            gone.add(pod);
            claims.retire([name], pod, now);
          } else {
            names.splice(names.indexOf(pod), 1);
            claims.remove(name, pod);
          }
        }
        for (const each of ["a", "b"] as const) {
          const found = claims.get(each);
          const living = next[each].filter((pod) => !gone.has(pod));
          const candidates = living.length > 0 ? living : next[each];
          t.is(
            found?.created,
            candidates.length === 0 ? undefined : Math.max(...candidates.map(({ created }) => created)),
          );
        }
      }
    }),
  );
});
