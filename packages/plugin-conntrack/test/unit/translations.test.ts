// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { formatAddress } from "../../src/nat/addresses.js";
import { Entry } from "../../src/nat/entry.js";
import { type Forwards, Translations } from "../../src/nat/translations.js";
import { type Flow, flow, words } from "./support/entries.js";

const nobody: Forwards = () => false;
const everybody: Forwards = () => true;

function targetOf(table: Translations, over: Partial<Flow> = {}, forwards = nobody): string | undefined {
  const asked = words({ ...over, to: ["0.0.0.0", 0] });
  if (!table.translate(asked, forwards)) return undefined;
  return `${formatAddress(asked, Entry.nat)} ${asked[Entry.natPort]}`;
}

const target = "192.0.2.2 8080";

/** A table with one entry, or several. */
function tableWith(...flows: Partial<Flow>[]): Translations {
  const table = new Translations(1000);
  for (const one of flows) table.put(words(one));
  return table;
}

test("a flow is translated by its entry, and one that differs in anything is not", (t) => {
  const table = tableWith({});
  t.is(targetOf(table), target);
  const others: Partial<Flow>[] = [
    { src: "192.0.2.3" },
    { sport: 1 },
    { dst: "192.0.2.3" },
    { dport: 1 },
    { netns: 8 },
    { transport: "udp" },
  ];
  for (const other of others) t.is(targetOf(table, other), undefined, JSON.stringify(other));
});

test("a flow of another namespace is translated where its packets pass through", (t) => {
  const table = tableWith({});
  t.is(targetOf(table, { netns: 8 }, everybody), target);
  t.is(
    targetOf(table, { netns: 8 }, (netns, entry, at) => netns === 7 && formatAddress(entry, at) === flow.src),
    target,
  );
});

test("a flow's own namespace knows best", (t) => {
  const table = tableWith({}, { netns: 8, to: ["192.0.2.3", 1] }, { netns: 9, to: ["192.0.2.4", 2] });
  t.is(targetOf(table, { netns: 8 }, everybody), "192.0.2.3 1");
});

test("namespaces that pass a flow on and do not agree are no answer", (t) => {
  const table = tableWith({ netns: 8 }, { netns: 9 });
  t.is(targetOf(table, {}, everybody), target);
  table.put(words({ netns: 10, to: ["192.0.2.3", 1] }));
  t.is(targetOf(table, {}, everybody), undefined);
});

test("the default zone comes before others, which must agree", (t) => {
  const table = tableWith({ zone: 5 }, { zone: 6 });
  t.is(targetOf(table), target);
  table.put(words({ zone: 7, to: ["192.0.2.3", 1] }));
  t.is(targetOf(table), undefined);
  table.put(words({ to: ["192.0.2.4", 2] }));
  t.is(targetOf(table), "192.0.2.4 2");
  t.is(table.size, 4);
});

test("an entry that ended answers for three more generations, and as long as it is asked", (t) => {
  const table = tableWith({});
  t.true(table.end(words()));
  for (let round = 0; round < 10; round++) {
    table.age();
    t.is(targetOf(table), target, `round ${round}`);
  }
  for (let round = 0; round < 3; round++) table.age();
  t.is(table.size, 1);
  table.age();
  t.is(table.size, 0);
  t.is(targetOf(table), undefined);
});

test("a living entry never ages", (t) => {
  const table = tableWith({});
  for (let round = 0; round < 100; round++) table.age();
  t.is(targetOf(table), target);
});

test("a port used again has the new translation, and the late end of the old one changes nothing", (t) => {
  const table = tableWith({});
  t.is(table.put(words({ to: ["192.0.2.3", 1] })), "added");
  t.false(table.end(words()));
  for (let round = 0; round < 10; round++) table.age();
  t.is(targetOf(table), "192.0.2.3 1");
});

test("a port used again without translation is not translated", (t) => {
  const table = tableWith({});
  table.end(words());
  t.true(table.remove(words()));
  t.is(targetOf(table), undefined);
  t.false(table.remove(words()));
});

test("an entry that comes back lives again", (t) => {
  const table = tableWith({});
  table.end(words());
  t.is(table.put(words()), "added");
  t.is(table.put(words()), "known");
  for (let round = 0; round < 10; round++) table.age();
  t.is(table.size, 1);
});

test("what a whole dump did not know has ended, in the namespaces it was of", (t) => {
  const table = tableWith({}, { sport: 1 }, { netns: 8 });
  table.beginRound();
  table.put(words({ sport: 1 }));
  table.put(words({ sport: 2 })); // by an event, while the dump goes on
  t.is(table.endUnseen(new Set([7])), 1);
  for (let round = 0; round < 4; round++) table.age();
  t.deepEqual(
    [{}, { sport: 1 }, { sport: 2 }, { netns: 8 }].map((over) => targetOf(table, over)),
    [undefined, target, target, target],
  );
});

test("a full table takes no more, lets go of what ended first, and never grows beyond its limit", (t) => {
  const table = new Translations(100);
  for (let sport = 0; sport < 100; sport++) t.is(table.put(words({ sport })), "added");
  t.is(table.put(words({ sport: 100 })), "full");
  t.is(table.put(words({ sport: 7, to: ["192.0.2.3", 1] })), "added", "what is there can change");
  table.end(words({ sport: 8 }));
  t.is(table.put(words({ sport: 100 })), "added");
  t.is(table.put(words({ sport: 101 })), "full");
  t.is(table.size, 100);
  t.is(targetOf(table, { sport: 8 }), undefined);
});

/** The table as it would be without hashing, growing and free lists. */
class Model {
  readonly entries = new Map<string, { to: string; ended: boolean }>();

  static key = ({ src, sport, dst, dport, netns, zone, transport }: Flow) =>
    [src, sport, dst, dport, netns, zone, transport].join();
}

const anyFlow: fc.Arbitrary<Flow> = fc.record({
  src: fc.constantFrom("192.0.2.1", "fd00::1"),
  sport: fc.integer({ min: 1, max: 40 }),
  dst: fc.constantFrom("198.51.100.9", "fd00::9"),
  dport: fc.constantFrom(80, 443),
  netns: fc.constantFrom(7, 8),
  zone: fc.constantFrom(0, 5),
  transport: fc.constantFrom("tcp" as const, "udp" as const),
  to: fc.tuple(fc.constantFrom("192.0.2.2", "fd00::2"), fc.constantFrom(1, 2)),
});

test("any sequence of what the kernel tells leaves what it says", (t) => {
  const steps = fc.array(fc.tuple(fc.constantFrom("put", "put", "put", "end", "remove"), anyFlow), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (sequence) => {
      const table = new Translations(5000);
      const { entries } = new Model();
      for (const [step, one] of sequence) {
        const key = Model.key(one);
        const to = one.to.join(" ");
        const known = entries.get(key);
        if (step === "put") {
          const same = known !== undefined && !known.ended && known.to === to;
          t.is(table.put(words(one)), same ? "known" : "added");
          entries.set(key, { to, ended: false });
        } else if (step === "end") {
          const ends = known !== undefined && !known.ended && known.to === to;
          t.is(table.end(words(one)), ends);
          if (ends) known.ended = true;
        } else {
          t.is(table.remove(words(one)), entries.delete(key));
        }
        t.is(table.size, entries.size);
      }
      for (let round = 0; round < 4; round++) table.age();
      t.is(table.size, [...entries.values()].filter(({ ended }) => !ended).length);
      for (const [key, { to, ended }] of entries) {
        const [src, sport, dst, dport, netns, zone, transport] = key.split(",");
        if (ended || zone !== "0") continue;
        const asked = { src: src!, sport: Number(sport), dst: dst!, dport: Number(dport), netns: Number(netns) };
        t.is(targetOf(table, { ...asked, transport: transport as "tcp" | "udp" }), to);
      }
    }),
    { numRuns: 200 },
  );
});

test("200,000 entries are found again, and half of them gone leaves the other half", (t) => {
  const table = new Translations(262_144);
  const nth = (index: number) => ({ sport: index & 0xffff, src: `10.${index >> 16}.0.1` });
  for (let index = 0; index < 200_000; index++) if (table.put(words(nth(index))) !== "added") t.fail();
  for (let index = 0; index < 200_000; index += 2) if (!table.remove(words(nth(index)))) t.fail();
  t.is(table.size, 100_000);
  for (let index = 0; index < 200_000; index += 997) {
    t.is(targetOf(table, nth(index)), index % 2 === 0 ? undefined : target);
  }
});
