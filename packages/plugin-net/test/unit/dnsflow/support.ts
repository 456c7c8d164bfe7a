// SPDX-License-Identifier: MIT

import { encode as encodeRecord } from "@skep/testkit";
import { encode, type Packet, type Question } from "dns-packet";
import fc from "fast-check";
import { dnsEvent } from "../../../src/dns-codec.gen.js";
import { addressBytes } from "../support/records.js";

export const UDP = 17;
export const TCP = 6;

/** Who says what, when and on which socket; a client's query over UDP unless told otherwise. */
export interface Heard {
  readonly bytes: Uint8Array;
  readonly timeNs?: number;
  readonly sent?: boolean;
  readonly socket?: number;
  readonly transport?: number;
  readonly seq?: number;
  /** Default: as many as there are. */
  readonly length?: number;
  readonly src?: string;
  readonly srcPort?: number;
  readonly dst?: string;
  readonly dstPort?: number;
  readonly pid?: number;
  readonly comm?: string;
}

/** A record of the ring `dns_events`. */
export function eventBytes(heard: Heard): Uint8Array {
  const { bytes, length = bytes.length } = heard;
  const event = encodeRecord(dnsEvent, {
    timeNs: heard.timeNs ?? 1e9,
    socket: heard.socket ?? 1,
    srcAddr: addressBytes(heard.src ?? "10.0.0.1"),
    dstAddr: addressBytes(heard.dst ?? "10.0.0.53"),
    srcPort: heard.srcPort ?? 40_000,
    dstPort: heard.dstPort ?? 53,
    netns: 4_026_531_840,
    tgid: heard.pid ?? 1234,
    seq: heard.seq ?? 0,
    length,
    captured: bytes.length,
    transport: heard.transport ?? UDP,
    flags: (heard.sent ?? true) ? 1 : 0,
    comm: heard.comm ?? "curl",
  });
  const room = [128, 512].find((size) => bytes.length <= size) ?? 4096;
  return Buffer.concat([event, bytes, Buffer.alloc(room - bytes.length, 0xa5)]);
}

/** The numbers of response codes that tests use. */
export const Rcode = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;

export interface Asked {
  readonly id?: number;
  readonly name?: string;
  readonly type?: Question["type"];
}

export const queryBytes = ({ id = 1, name = "www.example.org", type = "A" }: Asked = {}): Buffer =>
  encode({ type: "query", id, flags: 0x100, questions: [{ type, name }] });

export const answerBytes = (
  { id = 1, name = "www.example.org", type = "A" }: Asked = {},
  { rcode = 0, answers = [] }: { readonly rcode?: number; readonly answers?: NonNullable<Packet["answers"]> } = {},
): Buffer => encode({ type: "response", id, flags: 0x180 | rcode, questions: [{ type, name }], answers });

/** Names as hosts have them. */
export const hostName = fc
  .array(fc.stringMatching(/^[a-z0-9_-]{1,20}$/), { minLength: 1, maxLength: 6 })
  .map((labels) => labels.join("."));

/** Bytes that begin like a message more often than not, so that decoders get somewhere. */
export const hostileBytes = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .record({ tail: fc.uint8Array({ maxLength: 600 }), counts: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }) })
    .map(({ tail, counts }) =>
      Uint8Array.from([0, 1, 0x81, 0x80, 0, 1, ...counts.flatMap((count) => [0, count]), ...tail]),
    ),
  fc
    .record({
      name: hostName,
      at: fc.array(fc.record({ at: fc.nat(200), byte: fc.nat(255) }), { maxLength: 6 }),
      cut: fc.nat(300),
    })
    .map(({ name, at, cut }) => {
      const bytes = answerBytes(
        { name },
        {
          answers: [
            { type: "CNAME", name, data: `alias.${name}` },
            { type: "A", name: `alias.${name}`, data: "192.0.2.1", ttl: 60 },
            { type: "AAAA", name: `alias.${name}`, data: "2001:db8::1", ttl: 60 },
          ],
        },
      );
      for (const change of at) if (change.at < bytes.length) bytes[change.at] = change.byte;
      return Uint8Array.from(bytes.subarray(0, cut));
    }),
);
