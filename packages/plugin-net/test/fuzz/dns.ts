// SPDX-License-Identifier: MIT
/**
 * Ten million hostile messages (or as many as the first argument says) for the decoders of dnsflow: none may throw, take long
 * or make memory grow. The second argument is the seed, so that a finding can be repeated.
 * node --expose-gc --import ./scripts/ts-node.mjs --conditions=skep-source packages/plugin-net/test/fuzz/dns.ts
 */
import { encode, type Packet } from "dns-packet";
import { addressesOf } from "../../src/dnsflow/answers.js";
import { nameText, peek } from "../../src/dnsflow/message.js";
import { TcpMessages } from "../../src/dnsflow/tcp-messages.js";

const count = Number(process.argv[2] ?? 10_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
/** Longest time for one input, ms. */
const LONGEST_MS = 20;
const MOST_GROWTH = 64 * 1024 * 1024;

/** Mulberry32: small, fast, and the same everywhere. */
function random(state: number): (below: number) => number {
  let current = state >>> 0;
  return (below) => {
    current = (current + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(current ^ (current >>> 15), current | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const name = "www.example.org";
const messages: Packet[] = [
  { type: "query", id: 1, questions: [{ type: "A", name }] },
  {
    type: "response",
    id: 1,
    questions: [{ type: "A", name }],
    answers: [{ type: "A", name, data: "192.0.2.1", ttl: 60 }],
  },
  {
    type: "response",
    questions: [{ type: "AAAA", name }],
    answers: [
      { type: "CNAME", name, data: "a.b.c.d.e" },
      { type: "CNAME", name: "a.b.c.d.e", data: name },
      { type: "AAAA", name: "a.b.c.d.e", data: "2001:db8::1" },
    ],
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: 1232,
        flags: 0,
        options: [],
        extendedRcode: 0,
        ednsVersion: 0,
        flag_do: true,
      },
    ],
  },
  {
    type: "response",
    questions: [{ type: "TXT", name }],
    answers: [
      { type: "TXT", name, data: ["x".repeat(200), "y"] },
      { type: "MX", name, data: { preference: 1, exchange: "mx.example.org" } },
      { type: "SOA", name, data: { mname: "ns.example.org", rname: "root.example.org" } },
      { type: "SRV", name, data: { port: 1, target: "srv.example.org" } },
      { type: "CAA", name, data: { flags: 0, tag: "issue", value: "ca.example.net" } },
      { type: "DS", name, data: { keyTag: 1, algorithm: 8, digestType: 2, digest: Buffer.alloc(32) } },
      { type: "NSEC", name, data: { nextDomain: "b.example.org", rrtypes: ["A", "TXT"] } },
    ],
  },
];
const corpus = messages.map((message) => encode(message));
/** Bytes that mean something somewhere in a message. */
const telling = [0, 1, 4, 5, 12, 16, 28, 41, 46, 47, 63, 64, 127, 128, 0xbf, 0xc0, 0xc1, 0xff];

/** One of the corpus with a few bytes changed, cut out, doubled or made pointers; or no message at all. */
function hostile(next: (below: number) => number, into: Buffer): Buffer {
  if (next(16) === 0) {
    const length = next(400);
    for (let at = 0; at < length; at++) into[at] = next(256);
    return into.subarray(0, length);
  }
  const source = corpus[next(corpus.length)]!;
  let length = source.copy(into);
  for (let changes = next(8); changes > 0 && length > 0; changes--) {
    const at = next(length);
    const kind = next(10);
    if (kind < 4) into[at] = telling[next(telling.length)]!;
    else if (kind < 6) into[at] = next(256);
    else if (kind < 7) into.writeUInt16BE(0xc000 | next(length + 8), at);
    else if (kind < 8) length = at;
    else if (kind < 9) length = Math.min(into.length - 600, length + into.copy(into, at + next(40), at, length));
    else into[next(12)] = next(256);
  }
  return into.subarray(0, length);
}

const next = random(seed);
const room = Buffer.alloc(8192);
let recognised = 0;
let learnt = 0;
let whole = 0;
let lost = 0;
let slowestMs = 0;
const tcp = new TcpMessages(() => lost++, { streams: 64, bytes: 1024 * 1024 });
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const began = performance.now();

function decode(input: number, bytes: Buffer, stream: string, seq: number, segment: Buffer): void {
  const message = peek(bytes);
  if (message) recognised++;
  if (message?.question) nameText(message.question.wireName);
  learnt += addressesOf(bytes, name).length;
  tcp.push(stream, seq, segment, input * 1e6, () => whole++);
}

for (let input = 0; input < count; input++) {
  const bytes = hostile(next, room);
  // Half of them as they are, half with the length TCP puts before a message, which may be wrong.
  const prefix = Buffer.from([next(4) === 0 ? next(3) : bytes.length >> 8, bytes.length & 255]);
  const segment = next(2) === 0 ? bytes : Buffer.concat([prefix, bytes]);
  const given = [input, bytes, String(next(100)), next(4) === 0 ? next(2 ** 31) : input * 100, segment] as const;
  try {
    const from = performance.now();
    decode(...given);
    const ms = performance.now() - from;
    slowestMs = Math.max(slowestMs, ms > LONGEST_MS ? cpuMs(() => decode(...given)) : ms);
    if (slowestMs > LONGEST_MS) throw new Error(`it takes ${slowestMs} ms`);
  } catch (error) {
    console.error(`seed ${seed}, input ${input}: ${bytes.toString("hex")}`);
    throw error;
  }
}

/** Others may have had the processor, and the collector of garbage some of the time: the shortest of a few tries. */
function cpuMs(work: () => void): number {
  const tries = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...tries);
}

const seconds = (performance.now() - began) / 1000;
globalThis.gc?.();
const grown = process.memoryUsage().heapUsed - heapBefore;
if (grown > MOST_GROWTH) throw new Error(`seed ${seed}: ${grown} bytes more on the heap`);
console.log(
  `${count} inputs (seed ${seed}) in ${seconds.toFixed(1)} s: ${recognised} messages, ${learnt} addresses, ${whole} from TCP, ` +
    `${lost} not put together; slowest ${slowestMs.toFixed(1)} ms, heap ${(grown / 1024).toFixed(0)} KiB`,
);
