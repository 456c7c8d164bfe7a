// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { dnsEvent } from "../dns-codec.gen.js";
import type { Direction } from "../netflow/direction.js";
import type { Message, Question } from "./message.js";

/** A query, as one socket sent or received it. */
export interface Query {
  /** Outgoing: this host asks. Incoming: it is asked. */
  readonly direction: Direction;
  /** IPPROTO_UDP or IPPROTO_TCP. */
  readonly transport: number;
  /** Local address and the peer's, four words each: see netflow/addresses.ts. */
  ends: Uint32Array;
  readonly srcPort: number;
  readonly dstPort: number;
  /** 0 and empty while nobody is known to use the socket. */
  pid: number;
  processName: string;
  /** When it passed first, ns of CLOCK_MONOTONIC. */
  readonly askedNs: number;
  readonly question: Question | undefined;
}

/** A query without answer so far. */
export interface WaitingQuery extends Query {
  readonly key: number;
  readonly socket: number;
  readonly id: number;
  /** Another one with this key. */
  next: WaitingQuery | undefined;
}

/** A socket may wait for so many answers with one id; more would make looking for them expensive. */
const MOST_ALIKE = 32;

/** Queries by what their answers will have in common with them. Bounded. */
export class WaitingQueries {
  readonly #byKey = new Map<number, WaitingQuery>();
  /** The same, those that have waited longest first. */
  readonly #all = new Set<WaitingQuery>();

  constructor(private readonly most: number) {}

  get size(): number {
    return this.#all.size;
  }

  /** Those that have waited longest first; they may be removed meanwhile. */
  [Symbol.iterator](): IterableIterator<WaitingQuery> {
    return this.#all.values();
  }

  /** Undefined when there is no room. */
  add(message: Message, record: Cursor, timeNs: number, key: number, direction: Direction): WaitingQuery | undefined {
    const next = this.#byKey.get(key);
    if (this.#all.size >= this.most || lengthOf(next) >= MOST_ALIKE) return undefined;
    const query: WaitingQuery = {
      key,
      socket: dnsEvent.socket(record),
      id: message.id,
      direction,
      transport: dnsEvent.transport(record),
      ends: endsOf(record),
      srcPort: dnsEvent.srcPort(record),
      dstPort: dnsEvent.dstPort(record),
      pid: dnsEvent.tgid(record),
      processName: dnsEvent.comm(record),
      askedNs: timeNs,
      question: message.question,
      next,
    };
    this.#byKey.set(key, query);
    this.#all.add(query);
    return query;
  }

  /**
   * The query of this socket and direction with the id and question of `message`, which fits any question when it has none.
   * Its peer is that of `record` unless `anyPeer`.
   */
  find(message: Message, record: Cursor, key: number, direction: Direction, anyPeer = false): WaitingQuery | undefined {
    const socket = dnsEvent.socket(record);
    for (let query = this.#byKey.get(key); query; query = query.next) {
      if (query.socket !== socket || query.id !== message.id || query.direction !== direction) continue;
      if (isAbout(query, message.question) && (anyPeer || isWith(query, record))) return query;
    }
    return undefined;
  }

  remove(query: WaitingQuery): void {
    if (!this.#all.delete(query)) return;
    const first = this.#byKey.get(query.key);
    if (first !== query) {
      let before = first;
      while (before && before.next !== query) before = before.next;
      if (before) before.next = query.next;
    } else if (query.next) {
      this.#byKey.set(query.key, query.next);
    } else {
      this.#byKey.delete(query.key);
    }
  }
}

/** Local address and peer's, as they lie in a record: one behind the other. */
export function endsOf(record: Cursor): Uint32Array {
  const at = dnsEvent.srcAddrAt(record) >> 2;
  return record.u32.slice(at, at + 8);
}

function lengthOf(first: WaitingQuery | undefined): number {
  let length = 0;
  for (let query = first; query; query = query.next) length++;
  return length;
}

const isAbout = ({ question: asked }: Query, question: Question | undefined): boolean =>
  question === undefined || (asked?.type === question.type && asked.wireName === question.wireName);

function isWith({ ends, dstPort }: Query, record: Cursor): boolean {
  const at = dnsEvent.dstAddrAt(record) >> 2;
  for (let word = 0; word < 4; word++) if (ends[4 + word] !== record.u32[at + word]) return false;
  return dstPort === dnsEvent.dstPort(record);
}
