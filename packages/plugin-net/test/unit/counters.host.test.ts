// SPDX-License-Identifier: MIT
// The arithmetic of bpf/*.bpf.h, compiled for this machine, against sockets played with numbers of any size.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runOnHost } from "@skep/bpf-toolchain";
import test from "ava";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { Direction } from "../../src/netflow/direction.js";
import { addressBytes, Flag, Seen } from "./support/records.js";

const CASES = 3000;
const WRAP = 2n ** 32n;
const low32 = (number: bigint): bigint => BigInt.asUintN(32, number);

/** How much a socket may have in flight or unread: less than half of the sequence space. */
const window = fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.bigInt({ min: 0n, max: 2n ** 31n - 4n }));
/** Totals around the edges of the sequence space come as often as others. */
const total = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }),
  fc
    .tuple(fc.bigInt({ min: 1n, max: 2000n }), fc.bigInt({ min: -3n, max: 3n }))
    .map(([wraps, off]) => wraps * WRAP + off),
  fc.bigInt({ min: 0n, max: 2n ** 53n }),
);
const initialSequence = fc.oneof(fc.bigInt({ min: 0n, max: WRAP - 1n }), fc.constantFrom(0n, 1n, WRAP - 2n, WRAP - 1n));

/**
 * A sender: what the application wrote and how much of it is on its way. The SYN of a socket that connected and the FIN
 * take a place in the sequence too; both may be acknowledged or not.
 */
interface Sender {
  readonly written: bigint;
  readonly unacked: bigint;
  readonly initial: bigint;
  readonly connected: boolean;
  readonly sentFin: boolean;
}
const sender: fc.Arbitrary<Sender> = fc
  .record({ written: total, unacked: window, initial: initialSequence, connected: fc.boolean(), sentFin: fc.boolean() })
  .map((each) => {
    const space = each.written + BigInt(each.connected) + BigInt(each.sentFin);
    return { ...each, unacked: each.unacked < space ? each.unacked : space };
  });

/** What the kernel keeps of it. */
function countersOfSender({ written, unacked, initial, connected, sentFin }: Sender): string {
  // Counting begins at the SYN in a socket that connected, right after it in one that was accepted.
  const end = written + BigInt(connected) + BigInt(sentFin);
  const acked = end - unacked;
  return `{ ${acked}ULL, ${low32(initial + end)}U, ${low32(initial + acked)}U, ${connected}, ${sentFin} }`;
}

/** A receiver: what came in sequence and how much of that the application has not read, the FIN last if it came. */
interface Receiver {
  readonly arrived: bigint;
  readonly unread: bigint;
  readonly initial: bigint;
  readonly gotFin: boolean;
  /** Everything was read, the end of the stream not yet. */
  readonly finUnread: boolean;
}
const receiver: fc.Arbitrary<Receiver> = fc
  .record({ arrived: total, unread: window, initial: initialSequence, gotFin: fc.boolean(), finUnread: fc.boolean() })
  .map((each) => ({ ...each, unread: each.unread < each.arrived ? each.unread : each.arrived }));

function countersOfReceiver({ arrived, unread, initial, gotFin, finUnread }: Receiver): string {
  const received = arrived + BigInt(gotFin);
  // Who has not read all the data has not come to the FIN behind it.
  const consumed = arrived - unread + BigInt(gotFin && unread === 0n && !finUnread);
  return `{ ${received}ULL, ${low32(initial + received)}U, ${low32(initial + consumed)}U, ${gotFin} }`;
}

/** `rcv_nxt` read before `copied_seq` moved past it: the two are from different instants. */
const torn = fc.record({
  received: total,
  ahead: fc.bigInt({ min: 1n, max: 2n ** 31n - 1n }),
  initial: initialSequence,
});

const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 126, 127, 128, 255));
const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
const byte = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
);
/** Mapped and loopback addresses of which one byte is another. */
const nearMiss = fc
  .tuple(fc.oneof(v4, fc.constant("::1")), fc.nat(15), fc.integer({ min: 0, max: 255 }))
  .map(([text, at, value]) => addressBytes(text).with(at, value));
const address = fc.oneof(
  nearMiss,
  v4.map(addressBytes),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.array(byte, { minLength: 16, maxLength: 16 }).map((bytes) => Uint8Array.from(bytes)),
  fc.constantFrom("::1", "::", "::2", "1::1", "::1:0:0:1", "::ffff:0:1", "::100:0").map(addressBytes),
);

const senders = fc.sample(sender, CASES);
const receivers = fc.sample(receiver, CASES);
const tears = fc.sample(torn, CASES);
const v4Cases = fc.sample(v4, CASES);
const addresses = fc.sample(address, CASES);

interface Output {
  readonly written: readonly string[];
  readonly read: readonly string[];
  readonly mapped: readonly string[];
  readonly kinds: readonly (readonly [mapped: number, loopback: number])[];
  readonly sentFin: readonly number[];
  readonly flags: readonly number[];
  readonly directions: readonly number[];
}
let output: Output;

const arrayOf = (type: string, name: string, values: readonly string[]): string =>
  `static const ${type} ${name}[] = {\n${values.join(",\n")}\n};\n`;

test.before("compiles and runs the C side once on all cases", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "skep-cases-"));
  try {
    const tornCounters = tears.map(
      ({ received, ahead, initial }) =>
        `{ ${received}ULL, ${low32(initial + received)}U, ${low32(initial + received + ahead)}U, false }`,
    );
    const cases = [
      arrayOf("struct written_case", "written_cases", [...senders.map(countersOfSender), "{ 0, 0, 0, true, true }"]),
      arrayOf("struct read_case", "read_cases", [...receivers.map(countersOfReceiver), ...tornCounters]),
      arrayOf(
        "__u32",
        "v4_cases",
        v4Cases.map((text) => `0x${Buffer.from(addressBytes(text).subarray(12)).toString("hex")}`),
      ),
      `static const __u8 address_cases[][16] __attribute__((aligned(4))) = {\n${addresses.map((bytes) => `{ ${bytes.join(", ")} }`).join(",\n")}\n};\n`,
    ];
    await writeFile(join(scratch, "cases.h"), cases.join(""));
    const printed = await runOnHost({
      source: fileURLToPath(new URL("host/counters.c", import.meta.url)),
      include: [scratch, fileURLToPath(new URL("../../bpf", import.meta.url))],
    });
    output = JSON.parse(printed) as Output;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});

const show = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));

test("bytes written are what the application wrote, whatever is acknowledged, at any size and across wraps", (t) => {
  senders.forEach((sender, at) => t.is(output.written[at], String(sender.written), show(sender)));
});

test("bytes written are none rather than negative before SYN and FIN are in the counters", (t) => {
  t.is(output.written[senders.length], "0");
});

test("bytes read are what the application read: neither what it left unread nor the FIN", (t) => {
  receivers.forEach((receiver, at) =>
    t.is(output.read[at], String(receiver.arrived - receiver.unread), show(receiver)),
  );
});

test("a reader that is ahead of a torn reading never makes the count jump", (t) => {
  tears.forEach((torn, at) => t.is(output.read[receivers.length + at], String(torn.received), show(torn)));
});

test("only states after the FIN was queued count it", (t) => {
  // In the order of enum tcp_state.
  const after = new Set(["FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "LAST_ACK", "CLOSING"]);
  const states =
    "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split(" ");
  t.deepEqual(
    output.sentFin,
    states.map((state) => Number(after.has(state))),
  );
});

test("an IPv4 address is mapped as RFC 4291 says", (t) => {
  v4Cases.forEach((text, at) => t.is(output.mapped[at], Buffer.from(addressBytes(text)).toString("hex"), text));
});

test("mapped and loopback addresses are told as ipaddr.js tells them", (t) => {
  addresses.forEach((bytes, at) => {
    const address = ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6;
    const mapped = address.isIPv4MappedAddress();
    const loopback = (mapped ? address.toIPv4Address() : address).range() === "loopback";
    t.deepEqual(output.kinds[at], [Number(mapped), Number(loopback)], address.toString());
  });
});

test("flags and directions have the same numbers on both sides", (t) => {
  t.deepEqual(output.flags, Object.values(Flag));
  t.deepEqual(output.directions, Object.values(Seen));
  t.deepEqual(output.directions, Object.values(Direction));
});
