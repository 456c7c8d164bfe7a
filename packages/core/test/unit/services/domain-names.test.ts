// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { createDomainNames, type DomainNamesOptions } from "../../../src/index.js";
import { FakeClock } from "../support/fake-clock.js";

const graceMs = 60_000;

function setUp(options: Partial<DomainNamesOptions> = {}) {
  const clock = new FakeClock();
  const names = createDomainNames({ clock, graceMs, ...options });
  return { clock, names, learn: (ip: string, name: string, ttlSeconds = 10) => names.learn({ ip, name, ttlSeconds }) };
}

test("the name last learnt for an address is its name", (t) => {
  const { names, learn } = setUp();
  learn("192.0.2.1", "old.example");
  learn("192.0.2.1", "new.example");
  learn("192.0.2.2", "new.example");
  t.is(names.nameOf("192.0.2.1"), "new.example");
  t.is(names.nameOf("192.0.2.2"), "new.example");
  t.is(names.nameOf("192.0.2.3"), undefined);
});

test("an address has one name however it is written", (t) => {
  const { names, learn } = setUp();
  learn("::ffff:192.0.2.1", "four.example");
  t.is(names.nameOf("192.0.2.1"), "four.example");
  t.is(names.nameOf("::ffff:c000:0201"), "four.example");
  learn("2001:DB8:0:0:0::1", "six.example");
  t.is(names.nameOf("2001:db8::1"), "six.example");
});

test("what is no address has no name", (t) => {
  const { names, learn } = setUp();
  for (const text of ["", "*", "example.org", "1.2.3", "::g", "fe80::1%eth0", "[::1]"]) {
    learn(text, "some.example");
    t.is(names.nameOf(text), undefined, text);
  }
});

test("a name nobody asks for is forgotten a grace period after its TTL", async (t) => {
  const { clock, names, learn } = setUp();
  learn("192.0.2.1", "kept.example", 10);
  learn("192.0.2.2", "gone.example", 9);
  await clock.advance(10_000 + graceMs);
  t.is(names.nameOf("192.0.2.1"), "kept.example");
  t.is(names.nameOf("192.0.2.2"), undefined);
});

test("a name that is asked for at every flush outlives its TTL", async (t) => {
  const { clock, names, learn } = setUp();
  learn("192.0.2.1", "long.example", 1);
  for (let flush = 0; flush < 20; flush++) {
    await clock.advance(graceMs - 1);
    t.is(names.nameOf("192.0.2.1"), "long.example");
  }
  await clock.advance(graceMs + 1);
  t.is(names.nameOf("192.0.2.1"), undefined);
});

test("no TTL keeps a name longer than a week, and a negative one is none", async (t) => {
  const { clock, names, learn } = setUp();
  learn("192.0.2.1", "forever.example", 2 ** 31);
  learn("192.0.2.2", "negative.example", -1);
  t.is(names.nameOf("192.0.2.2"), "negative.example");
  await clock.advance(7 * 86_400_000 + graceMs + 1);
  t.is(names.nameOf("192.0.2.1"), undefined);
});

test("when there is no room expired names go first, then those learnt longest ago", async (t) => {
  const { clock, names, learn } = setUp({ maxEntries: 3 });
  learn("192.0.2.1", "oldest.example", 3_600);
  learn("192.0.2.2", "expired.example", 0);
  learn("192.0.2.3", "young.example", 3_600);
  await clock.advance(graceMs + 1);
  learn("192.0.2.4", "new.example");
  t.is(names.nameOf("192.0.2.2"), undefined);
  t.is(names.nameOf("192.0.2.1"), "oldest.example");
  learn("192.0.2.1", "oldest.example", 3_600); // learnt again: no longer the oldest
  learn("192.0.2.5", "newer.example");
  t.is(names.nameOf("192.0.2.3"), undefined);
  t.deepEqual(
    ["192.0.2.1", "192.0.2.4", "192.0.2.5"].map((ip) => names.nameOf(ip)),
    ["oldest.example", "new.example", "newer.example"],
  );
});

test("the table behaves like a plain list of what was learnt, looked through from the end", async (t) => {
  const address = fc.integer({ min: 0, max: 5 }).map((last) => `192.0.2.${last}`);
  const step = fc.oneof(
    fc.record({ learn: address, name: fc.constantFrom("a", "b", "c"), ttl: fc.nat(100) }),
    fc.record({ ask: address }),
    fc.record({ wait: fc.nat(120_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, names, learn } = setUp();
      const model = new Map<string, { name: string; until: number }>();
      for (const now of steps) {
        if ("learn" in now) {
          learn(now.learn, now.name, now.ttl);
          model.set(now.learn, { name: now.name, until: clock.now() + now.ttl * 1_000 + graceMs });
        } else if ("ask" in now) {
          const known = model.get(now.ask);
          const expected = known !== undefined && known.until >= clock.now() ? known.name : undefined;
          assert.equal(names.nameOf(now.ask), expected);
          if (expected === undefined) model.delete(now.ask);
          else known!.until = Math.max(known!.until, clock.now() + graceMs);
        } else {
          await clock.advance(now.wait);
        }
      }
    }),
  );
  t.pass();
});
