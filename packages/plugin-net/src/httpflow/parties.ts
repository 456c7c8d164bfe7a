// SPDX-License-Identifier: MIT

import { type Cursor, internString, type NatTable } from "@skep/core";
import { httpExchange } from "../http-codec.gen.js";
import { KeyTable } from "../key-table.js";
import { formatAddress } from "../netflow/addresses.js";
import { Direction } from "../netflow/direction.js";
import { Interner } from "../netflow/interner.js";
import { EventFlag } from "./contract.js";

/** Where each part of a party's key lies, in 32-bit words. */
export const PartyKey = {
  /** Four words, see netflow/addresses.ts. */
  srcAddr: 0,
  dstAddr: 4,
  /** Host order; 0 means any (`*`). */
  srcPort: 8,
  dstPort: 9,
  pid: 10,
  netns: 11,
  direction: 12,
  /** Numbers of an {@link Interner}. */
  processName: 13,
  nat: 14,
} as const;

const KEY_WORDS = 15;

/** A direct-mapped cache: a connection that falls on the slot of another replaces it. */
const SLOTS = 16_384;
/** Words of a slot: connection (2), pid, whether incoming, comm (4). */
const SLOT_WORDS = 8;

const COMM_AT = httpExchange.layout.fields.find(({ name }) => name === "comm")!.offset;

/** Who exchanged with whom in this interval: connections that points do not tell apart are one party. */
export class Parties {
  readonly table = new KeyTable(KEY_WORDS);
  readonly names = new Interner();
  /** `ip port`, the address after NAT. */
  readonly nats = new Interner();
  readonly #slots = new Uint32Array(SLOTS * SLOT_WORDS);
  /** Party of each slot's connection; 0: the slot is empty. */
  readonly #found = new Uint32Array(SLOTS);

  /**
   * @param ephemeralPort client ports from this one on are folded into one party
   * @param natTable asked where outgoing connections really go
   */
  constructor(
    private readonly ephemeralPort: number,
    private readonly nameOfProcess: (pid: number) => string,
    private readonly natTable: () => NatTable | undefined,
  ) {}

  /** The party of the connection that a struct http_exchange is about. */
  // hot
  partyOf(record: Cursor): number {
    const { u32, at } = record;
    const words = this.#slots;
    const low = u32[at >> 2]!;
    const high = u32[(at + 4) >> 2]!;
    const pid = httpExchange.tgid(record);
    const incoming = httpExchange.eventFlags(record) & EventFlag.INCOMING;
    const comm = (at + COMM_AT) >> 2;
    const slot = Math.imul(low ^ (high << 16), 0x9e3779b1) >>> 18;
    const base = slot * SLOT_WORDS;
    if (
      this.#found[slot] !== 0 &&
      words[base] === low &&
      words[base + 1] === high &&
      words[base + 2] === pid &&
      words[base + 3] === incoming &&
      words[base + 4] === u32[comm] &&
      words[base + 5] === u32[comm + 1] &&
      words[base + 6] === u32[comm + 2] &&
      words[base + 7] === u32[comm + 3]
    ) {
      return this.#found[slot]!;
    }
    const party = this.partyOwnedBy(record, pid, internString(record, COMM_AT, 16));
    words[base] = low;
    words[base + 1] = high;
    words[base + 2] = pid;
    words[base + 3] = incoming;
    words.set(u32.subarray(comm, comm + 4), base + 4);
    return (this.#found[slot] = party);
  }

  /** The same when another process owns the connection than the record says. */
  partyOwnedBy(record: Cursor, pid: number, name: string): number {
    const { key } = this.table;
    const src = httpExchange.srcAddrAt(record) >> 2;
    const dst = httpExchange.dstAddrAt(record) >> 2;
    for (let word = 0; word < 4; word++) {
      key[PartyKey.srcAddr + word] = record.u32[src + word]!;
      key[PartyKey.dstAddr + word] = record.u32[dst + word]!;
    }
    const outgoing = (httpExchange.eventFlags(record) & EventFlag.INCOMING) === 0;
    const srcPort = httpExchange.srcPort(record);
    const dstPort = httpExchange.dstPort(record);
    const netns = httpExchange.netns(record);
    key[PartyKey.srcPort] = outgoing && srcPort >= this.ephemeralPort ? 0 : srcPort;
    key[PartyKey.dstPort] = !outgoing && dstPort >= this.ephemeralPort ? 0 : dstPort;
    key[PartyKey.pid] = pid;
    key[PartyKey.netns] = netns;
    key[PartyKey.direction] = outgoing ? Direction.OUTGOING : Direction.INCOMING;
    key[PartyKey.processName] = this.names.numberOf(name || this.nameOfProcess(pid));
    key[PartyKey.nat] = outgoing ? this.#nat(srcPort, dstPort, netns) : 0;
    return this.table.upsert();
  }

  #nat(localPort: number, remotePort: number, netns: number): number {
    const { key } = this.table;
    const target = this.natTable()?.translate({
      transport: "tcp",
      localIp: formatAddress(key, PartyKey.srcAddr),
      localPort,
      remoteIp: formatAddress(key, PartyKey.dstAddr),
      remotePort,
      netns,
    });
    return target ? this.nats.numberOf(`${target.ip} ${target.port}`) : 0;
  }
}
