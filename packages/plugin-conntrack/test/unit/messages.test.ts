// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { CtMessage, dumpRequest, EntryReader, type Reading } from "../../src/ctnetlink/messages.js";
import { eachMessage, MessageType } from "../../src/ctnetlink/netlink.js";
import { formatAddress } from "../../src/nat/addresses.js";
import { Entry, isTranslated, Transport } from "../../src/nat/entry.js";
import { attribute, fromHex, type MadeEntry, message, netlinkMessage, recorded } from "./support/messages.js";

const NETNS = 4026532177;

/** Entries in some bytes, in the words of `conntrack -L`. */
function entriesIn(bytes: Uint8Array): { lines: string[]; readings: Reading[]; whole: boolean; types: number[] } {
  const reader = new EntryReader(NETNS);
  const lines: string[] = [];
  const readings: Reading[] = [];
  const types: number[] = [];
  const whole = eachMessage(bytes, bytes.length, ({ type, at, end }) => {
    types.push(type);
    if (type !== CtMessage.NEW && type !== CtMessage.DELETE) return;
    const reading = reader.read(bytes, at, end);
    readings.push(reading);
    if (reading === "entry") lines.push(lineOf(reader.entry));
  });
  return { lines, readings, whole, types };
}

function lineOf(entry: Uint32Array): string {
  const ports = entry[Entry.ports]!;
  const zone = entry[Entry.kind]! & 0xffff;
  return [
    entry[Entry.kind]! >>> 16 === Transport.TCP ? "tcp" : "udp",
    `src=${formatAddress(entry, Entry.src)} dst=${formatAddress(entry, Entry.dst)}`,
    `sport=${ports & 0xffff} dport=${ports >>> 16}`,
    `to=${formatAddress(entry, Entry.nat)} port=${entry[Entry.natPort]}`,
    `zone=${zone} netns=${entry[Entry.netns]}`,
  ].join(" ");
}

const told = recorded.conntrack.map((line) => {
  const all = (name: string) => [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, "g"))].map((match) => match[1]);
  const [src, target] = all("src");
  const [sport, targetPort] = all("sport");
  const zone = all("zone")[0] ?? "0";
  return `udp src=${src} dst=${all("dst")[0]} sport=${sport} dport=${all("dport")[0]} to=${target} port=${targetPort} zone=${zone} netns=${NETNS}`;
});

for (const [what, messages] of [
  ["events of new entries", recorded.created],
  ["a dump", recorded.dump],
  ["events of ended entries", recorded.deleted],
] as const) {
  test(`${what} tell what conntrack -L tells of the same kernel`, (t) => {
    const found = messages.map((hex) => entriesIn(fromHex(hex)));
    t.deepEqual(found.flatMap(({ lines }) => lines).sort(), [...told].sort());
    t.true(found.every(({ whole }) => whole));
  });
}

test("a dump ends with a message that says so", (t) => {
  t.is(entriesIn(fromHex(recorded.dump.at(-1)!)).types.at(-1), MessageType.DONE);
});

test("source translation alone is no translation", (t) => {
  const reader = new EntryReader(NETNS);
  const bytes = fromHex(recorded.created.find((hex) => hex.includes("7f000009"))!);
  eachMessage(bytes, bytes.length, ({ at, end }) => {
    t.is(reader.read(bytes, at, end), "entry");
    t.false(isTranslated(reader.entry));
  });
});

test("a dump is asked for with the bytes conntrack -L sends", (t) => {
  t.is(Buffer.from(dumpRequest(1)).toString("hex"), "1400000001010103010000000000000000000000");
});

const port = fc.integer({ min: 0, max: 65535 });
const endOf = (ip: fc.Arbitrary<string>) => fc.record({ ip, port });
const madeOf = (ip: fc.Arbitrary<string>): fc.Arbitrary<MadeEntry> =>
  fc.record(
    {
      transport: fc.constantFrom(Transport.TCP, Transport.UDP),
      src: endOf(ip),
      dst: endOf(ip),
      replySrc: endOf(ip),
      replyDst: endOf(ip),
      zone: port,
    },
    { requiredKeys: ["transport", "src", "dst", "replySrc", "replyDst"] },
  );
const made = fc.oneof(madeOf(fc.ipV4()), madeOf(fc.ipV6()));

test("every entry is read as it was written", (t) => {
  fc.assert(
    fc.property(made, (entry) => {
      const reader = new EntryReader(NETNS);
      const bytes = message(CtMessage.NEW, entry);
      t.is(reader.read(bytes, 16, bytes.length), "entry");
      const words = reader.entry;
      const same = (ip: string, at: number) => {
        const again = new EntryReader(NETNS);
        const other = message(CtMessage.NEW, { ...entry, src: { ip, port: 0 } });
        again.read(other, 16, other.length);
        return formatAddress(again.entry, Entry.src) === formatAddress(words, at);
      };
      t.true(same(entry.src.ip, Entry.src) && same(entry.dst.ip, Entry.dst) && same(entry.replySrc.ip, Entry.nat));
      t.is(words[Entry.ports], (entry.src.port | (entry.dst.port << 16)) >>> 0);
      t.is(words[Entry.natPort], entry.replySrc.port);
      t.is(words[Entry.kind], (entry.zone ?? 0) | (entry.transport << 16));
    }),
  );
});

test("other transports are foreign, not malformed", (t) => {
  const icmp = message(CtMessage.NEW, {
    transport: 1,
    src: { ip: "192.0.2.1", port: 0 },
    dst: { ip: "192.0.2.2", port: 0 },
    replySrc: { ip: "192.0.2.2", port: 0 },
    replyDst: { ip: "192.0.2.1", port: 0 },
  });
  t.is(new EntryReader(NETNS).read(icmp, 16, icmp.length), "foreign");
});

test("an entry without its reply, or with half a tuple, is malformed", (t) => {
  const reader = new EntryReader(NETNS);
  const whole = fromHex(recorded.created[0]!);
  t.is(reader.read(whole, 16, whole.length), "entry");
  // The original tuple of an IPv4 entry takes 52 bytes with its header.
  for (const end of [16, 19, 20, 20 + 52]) t.is(reader.read(whole, 16, end), "malformed", `cut at ${end}`);
  const noPorts = netlinkMessage(CtMessage.NEW, [
    2,
    0,
    0,
    0,
    ...attribute(0x8001, attribute(0x8002, attribute(1, [6]))),
  ]);
  t.is(reader.read(noPorts, 16, noPorts.length), "malformed");
});

const anyMessages = [...recorded.created, ...recorded.dump, ...recorded.deleted];

test("no cut of real messages throws, and what is whole before the cut is read", (t) => {
  for (const hex of anyMessages) {
    const bytes = fromHex(hex);
    const all = entriesIn(bytes).lines;
    for (let length = 0; length < bytes.length; length++) {
      const { lines } = entriesIn(bytes.slice(0, length));
      t.deepEqual(lines, all.slice(0, lines.length));
    }
  }
});

test("no change of real messages throws or hangs", (t) => {
  const changed = fc
    .tuple(
      fc.constantFrom(...anyMessages),
      fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 12 }),
    )
    .map(([hex, changes]) => {
      const bytes = fromHex(hex);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  fc.assert(
    fc.property(changed, (bytes) => {
      t.true(entriesIn(bytes).readings.length <= bytes.length / 16);
    }),
    { numRuns: 2000 },
  );
});

test("no bytes at all throw or hang, and none beyond the given length are read", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, length) => {
      const reader = new EntryReader(NETNS);
      const within = Math.min(length, bytes.length);
      eachMessage(bytes, within, ({ at, end }) => {
        t.true(end <= within && at <= end);
        reader.read(bytes, at, end);
      });
      t.true(["entry", "foreign", "malformed"].includes(reader.read(bytes, 0, within)));
    }),
    { numRuns: 2000 },
  );
});

test("a message or attribute that says it has no length ends the walk", (t) => {
  t.false(eachMessage(new Uint8Array(64), 64, () => t.fail("there is no message")));
  const bytes = netlinkMessage(CtMessage.NEW, [2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
  t.is(new EntryReader(NETNS).read(bytes, 16, bytes.length), "malformed");
});
