// SPDX-License-Identifier: MIT

import { writeIPv4 } from "../nat/addresses.js";
import { Entry, ENTRY_WORDS, Transport } from "../nat/entry.js";
import { Attributes, be16, MessageFlag, u32 } from "./netlink.js";

/** NFNL_SUBSYS_CTNETLINK with IPCTNL_MSG_CT_NEW, _GET and _DELETE (linux/netfilter/nfnetlink_conntrack.h). */
export const CtMessage = { NEW: 0x100, GET: 0x101, DELETE: 0x102 } as const;

/** Multicast groups: entries that come and go. Updates of counters and states are many and tell nothing new here. */
export const CtGroup = { NEW: 1, DESTROY: 3 } as const;

const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ZONE: 18 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2, ZONE: 3 } as const;
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;

/** struct nfgenmsg before the attributes. */
const GENERIC_HEADER = 4;

/** A request for every entry of a namespace, IPv4 and IPv6. */
export function dumpRequest(sequence: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, CtMessage.GET, true);
  view.setUint16(6, MessageFlag.REQUEST | MessageFlag.DUMP, true);
  view.setUint32(8, sequence, true);
  return bytes;
}

/** What a message turned out to be: an entry of TCP or UDP, one of another transport, nothing a kernel sends. */
export type Reading = "entry" | "foreign" | "malformed";

/** Parts of a tuple; an entry of TCP or UDP has all of them in both directions. */
const Part = { SRC: 1, DST: 2, TRANSPORT: 4, SRC_PORT: 8, DST_PORT: 16, ALL: 31 } as const;

/** Words behind the entry, for the address of a reply's destination, which nobody asks for. */
const UNUSED = ENTRY_WORDS;

/** Reads entries out of ctnetlink's messages, into one array that is reused. */
export class EntryReader {
  /** The entry read last, see `Entry`. */
  readonly entry = new Uint32Array(ENTRY_WORDS + 4);
  readonly #outer = new Attributes();
  readonly #middle = new Attributes();
  readonly #inner = new Attributes();
  #broken = false;
  #zone = 0;
  /** Of the tuple read last. */
  #parts = 0;
  #transport = 0;
  #srcPort = 0;
  #dstPort = 0;

  /** @param netns inode number of the network namespace the messages come from; they do not say */
  constructor(private readonly netns: number) {}

  /** Reads the entry of the message whose payload lies from `at` to `end`. Never throws. */
  // hot
  read(bytes: Uint8Array, at: number, end: number): Reading {
    const { entry } = this;
    this.#broken = end - at < GENERIC_HEADER;
    this.#zone = this.#transport = 0;
    let original = 0;
    let reply = 0;
    const walk = this.#outer.over(bytes, at + GENERIC_HEADER, end);
    while (walk.next()) {
      if (walk.type === CTA.TUPLE_ORIG) {
        this.#readTuple(bytes, walk, Entry.src, Entry.dst);
        original = this.#parts;
        entry[Entry.ports] = this.#srcPort | (this.#dstPort << 16);
      } else if (walk.type === CTA.TUPLE_REPLY) {
        // Who answers is where the packets go.
        this.#readTuple(bytes, walk, Entry.nat, UNUSED);
        reply = this.#parts;
        entry[Entry.natPort] = this.#srcPort;
      } else if (walk.type === CTA.ZONE) {
        this.#readZone(bytes, walk);
      }
    }
    if (this.#broken || walk.broken || this.#transport === 0) return "malformed";
    if (this.#transport !== Transport.TCP && this.#transport !== Transport.UDP) return "foreign";
    entry[Entry.netns] = this.netns;
    entry[Entry.kind] = this.#zone | (this.#transport << 16);
    return original === Part.ALL && reply === Part.ALL ? "entry" : "malformed";
  }

  /** Addresses go into four words of the entry from `src` and `dst` on. */
  #readTuple(bytes: Uint8Array, { at, end }: Attributes, src: number, dst: number): void {
    this.#parts = this.#srcPort = this.#dstPort = 0;
    const walk = this.#middle.over(bytes, at, end);
    while (walk.next()) {
      if (walk.type === CTA_TUPLE.IP) this.#readAddresses(bytes, walk, src, dst);
      else if (walk.type === CTA_TUPLE.PROTO) this.#readPorts(bytes, walk);
      else if (walk.type === CTA_TUPLE.ZONE) this.#readZone(bytes, walk);
    }
    this.#broken ||= walk.broken;
  }

  #readAddresses(bytes: Uint8Array, { at, end }: Attributes, src: number, dst: number): void {
    const { entry } = this;
    const walk = this.#inner.over(bytes, at, end);
    while (walk.next()) {
      const { type } = walk;
      const size = walk.end - walk.at;
      const isSource = type === CTA_IP.V4_SRC || type === CTA_IP.V6_SRC;
      const word = isSource ? src : dst;
      if (size === 4 && (type === CTA_IP.V4_SRC || type === CTA_IP.V4_DST)) {
        writeIPv4(u32(bytes, walk.at), entry, word);
      } else if (size === 16 && (type === CTA_IP.V6_SRC || type === CTA_IP.V6_DST)) {
        for (let part = 0; part < 4; part++) entry[word + part] = u32(bytes, walk.at + part * 4);
      } else {
        continue;
      }
      this.#parts |= isSource ? Part.SRC : Part.DST;
    }
    this.#broken ||= walk.broken;
  }

  #readPorts(bytes: Uint8Array, { at, end }: Attributes): void {
    const walk = this.#inner.over(bytes, at, end);
    while (walk.next()) {
      const size = walk.end - walk.at;
      if (walk.type === CTA_PROTO.NUM && size === 1) {
        this.#transport = bytes[walk.at]!;
        this.#parts |= Part.TRANSPORT;
      } else if (walk.type === CTA_PROTO.SRC_PORT && size === 2) {
        this.#srcPort = be16(bytes, walk.at);
        this.#parts |= Part.SRC_PORT;
      } else if (walk.type === CTA_PROTO.DST_PORT && size === 2) {
        this.#dstPort = be16(bytes, walk.at);
        this.#parts |= Part.DST_PORT;
      }
    }
    this.#broken ||= walk.broken;
  }

  #readZone(bytes: Uint8Array, { at, end }: Attributes): void {
    if (end - at === 2) this.#zone = be16(bytes, at);
    else this.#broken = true;
  }
}
