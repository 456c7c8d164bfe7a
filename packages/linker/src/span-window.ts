// SPDX-License-Identifier: MIT

import { mix32 } from "./hash.js";
import { HashChains } from "./hash-chains.js";
import { SpanColumns, State } from "./span-columns.js";
import type { SpanKeys } from "./span-keys.js";

const MIN_CAPACITY = 1024;

export interface SpanWindowOptions {
  /** Also match ends that disagree about one of the two addresses; see {@link SpanWindow.parentOf}. Default false. */
  readonly throughNat?: boolean;
}

/**
 * The spans that wait for their neighbours, and those that linger after they were linked because a neighbour may come late. A span
 * is named by its sequence number: they are given out in the order of arrival and never again, and leave in the same order.
 */
export class SpanWindow {
  #columns = new SpanColumns(MIN_CAPACITY);
  #byIdentity = new HashChains(MIN_CAPACITY);
  /** By numbers and addresses of the exchange, and direction. */
  #byExchange = new HashChains(MIN_CAPACITY);
  /** By thread, entries apart from the rest. */
  #byThread = new HashChains(MIN_CAPACITY);
  #oldest: number;
  #next: number;
  #bytes = 0;
  readonly #throughNat: boolean;

  /** @param first sequence number of the first span */
  constructor(first = 0, { throughNat = false }: SpanWindowOptions = {}) {
    this.#oldest = this.#next = first;
    this.#throughNat = throughNat;
  }

  get oldest(): number {
    return this.#oldest;
  }
  /** Sequence number of the next span. */
  get next(): number {
    return this.#next;
  }
  get size(): number {
    return this.#next - this.#oldest;
  }
  /** What the spans take in the store. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a span that is not {@link has in the window} yet; returns its sequence number. */
  add(keys: SpanKeys, arrived: number, size: number): number {
    if (this.size === this.#columns.capacity) this.#grow();
    const seq = this.#next++;
    const slot = this.#slot(seq);
    const { identity } = keys;
    const columns = this.#columns;
    for (let word = 0; word < 4; word++) columns.identity[slot * 4 + word] = identity.readUInt32BE(word * 4);
    columns.requestSeq[slot] = keys.requestSeq;
    columns.responseSeq[slot] = keys.responseSeq;
    columns.client[slot] = keys.client;
    columns.server[slot] = keys.server;
    columns.threadHigh[slot] = keys.threadHigh;
    columns.threadLow[slot] = keys.threadLow;
    columns.arrived[slot] = arrived;
    columns.size[slot] = size;
    columns.state[slot] =
      (keys.incoming ? State.incoming : 0) |
      (keys.entry ? State.entry : 0) |
      (keys.verdict === "keep" ? State.keep : keys.verdict === "reject" ? State.reject : 0) |
      (keys.hasAppTrace ? State.appTrace : 0);
    this.#bytes += size;
    this.#index(slot);
    return seq;
  }

  /** A span with the same identity is here: this one is its copy. */
  has({ identity }: SpanKeys): boolean {
    // hot
    const last = identity.readUInt32BE(12);
    const words = this.#columns.identity;
    for (let slot = this.#byIdentity.first(last); slot >= 0; slot = this.#byIdentity.after(slot)) {
      const same =
        words[slot * 4 + 3] === last &&
        words[slot * 4] === identity.readUInt32BE(0) &&
        words[slot * 4 + 1] === identity.readUInt32BE(4) &&
        words[slot * 4 + 2] === identity.readUInt32BE(8);
      if (same) return true;
    }
    return false;
  }

  /** Forgets the oldest span. */
  dropOldest(): void {
    const slot = this.#slot(this.#oldest++);
    this.#byIdentity.removeOldest(slot, this.#identityHash(slot));
    this.#byExchange.removeOldest(slot, this.#exchangeHash(slot, this.#is(slot, State.incoming)));
    if (this.#hasThread(slot)) this.#byThread.removeOldest(slot, this.#threadHash(slot, this.#is(slot, State.entry)));
    this.#bytes -= this.#columns.size[slot]!;
  }

  arrivedAt(seq: number): number {
    return this.#columns.arrived[this.#slot(seq)]!;
  }
  is(seq: number, bit: number): boolean {
    return this.#is(this.#slot(seq), bit);
  }
  set(seq: number, bit: number): void {
    this.#columns.state[this.#slot(seq)]! |= bit;
  }
  clear(seq: number, bit: number): void {
    this.#columns.state[this.#slot(seq)]! &= ~bit;
  }
  mark(seq: number): number {
    return this.#columns.mark[this.#slot(seq)]!;
  }
  setMark(seq: number, mark: number): void {
    this.#columns.mark[this.#slot(seq)] = mark;
  }
  /** The 128 bits nobody else has, as four words. */
  identityOf(seq: number): Uint32Array {
    const at = this.#slot(seq) * 4;
    return this.#columns.identity.subarray(at, at + 4);
  }

  /**
   * What a span was caused by, -1 when that is not in the window or not certain.
   *
   * The cause of an incoming request is the outgoing one with the same sequence numbers and addresses; of a call, the request its
   * thread works for. Two candidates are none. With `throughNat`, ends that agree on the numbers and one address match too, if no
   * other span has these numbers: 64 random bits, which is certain enough between kernels, but not between made-up numbers.
   */
  parentOf(seq: number): number {
    const slot = this.#slot(seq);
    if (this.#is(slot, State.incoming)) return this.#seq(this.#otherEnd(slot));
    return this.#seq(this.#onlyEntry(slot));
  }

  /** There are candidates for the cause of a span, but more than one. */
  isAmbiguous(seq: number): boolean {
    const slot = this.#slot(seq);
    if (this.#is(slot, State.incoming)) return this.#otherEnd(slot) < 0 && this.#peers(slot, false, false).first >= 0;
    return this.#hasThread(slot) && this.#onlyEntry(slot) < 0 && this.#findEntry(slot, -1) >= 0;
  }

  /** Appends the spans whose {@link parentOf} is this one. */
  childrenOf(seq: number, children: number[]): void {
    const slot = this.#slot(seq);
    if (!this.#is(slot, State.incoming)) {
      const other = this.#otherEnd(slot);
      if (other >= 0) children.push(this.#seq(other));
      return;
    }
    if (!this.#is(slot, State.entry) || !this.#hasThread(slot) || this.#onlyEntry(slot) !== slot) return;
    const hash = this.#threadHash(slot, false);
    for (let call = this.#byThread.first(hash); call >= 0; call = this.#byThread.after(call)) {
      const isCall = (this.#columns.state[call]! & (State.incoming | State.entry)) === 0;
      if (isCall && this.#sameThread(slot, call)) children.push(this.#seq(call));
    }
  }

  /** The other end of the same exchange, when both are the only ones of their kind; else -1. */
  #otherEnd(slot: number): number {
    const incoming = this.#is(slot, State.incoming);
    for (const loose of this.#throughNat ? [false, true] : [false]) {
      const mine = this.#peers(slot, incoming, loose);
      const theirs = this.#peers(slot, !incoming, loose);
      if (mine.more || theirs.more) return -1;
      if (theirs.first >= 0) return theirs.first;
    }
    return -1;
  }

  /** The spans of one direction that name the same exchange as this one: the first of them and whether there is another. */
  #peers(slot: number, incoming: boolean, loose: boolean): { readonly first: number; readonly more: boolean } {
    let first = -1;
    const hash = this.#exchangeHash(slot, incoming);
    for (let at = this.#byExchange.first(hash); at >= 0; at = this.#byExchange.after(at)) {
      if (this.#is(at, State.incoming) !== incoming || !this.#sameExchange(slot, at, loose)) continue;
      if (first >= 0) return { first, more: true };
      first = at;
    }
    return { first, more: false };
  }

  #sameExchange(a: number, b: number, loose: boolean): boolean {
    const { requestSeq, responseSeq, client, server } = this.#columns;
    if (requestSeq[a] !== requestSeq[b] || responseSeq[a] !== responseSeq[b]) return false;
    const agree = (client[a] === client[b] ? 1 : 0) + (server[a] === server[b] ? 1 : 0);
    return agree === 2 || (loose && agree === 1 && responseSeq[a] !== 0);
  }

  /** The entry of a span's thread, when there is one and no more; else -1. */
  #onlyEntry(slot: number): number {
    if (!this.#hasThread(slot)) return -1;
    const entry = this.#findEntry(slot, -1);
    return entry >= 0 && this.#findEntry(slot, entry) < 0 ? entry : -1;
  }

  /** The next entry of the thread after one of them; the first after -1. */
  #findEntry(slot: number, after: number): number {
    let at = after < 0 ? this.#byThread.first(this.#threadHash(slot, true)) : this.#byThread.after(after);
    while (at >= 0 && !(this.#is(at, State.entry) && this.#sameThread(slot, at))) at = this.#byThread.after(at);
    return at;
  }

  #sameThread(a: number, b: number): boolean {
    const { threadHigh, threadLow } = this.#columns;
    return threadHigh[a] === threadHigh[b] && threadLow[a] === threadLow[b];
  }
  #hasThread(slot: number): boolean {
    return (this.#columns.threadHigh[slot]! | this.#columns.threadLow[slot]!) !== 0;
  }
  #is(slot: number, bit: number): boolean {
    return (this.#columns.state[slot]! & bit) !== 0;
  }

  #identityHash(slot: number): number {
    return this.#columns.identity[slot * 4 + 3]!;
  }
  #exchangeHash(slot: number, incoming: boolean): number {
    const { requestSeq, responseSeq, client, server } = this.#columns;
    const addresses = this.#throughNat ? 0 : client[slot]! ^ mix32(server[slot]!);
    return mix32(requestSeq[slot]! ^ mix32(responseSeq[slot]! ^ addresses) ^ (incoming ? 0x55555555 : 0));
  }
  #threadHash(slot: number, entry: boolean): number {
    return mix32(this.#columns.threadLow[slot]! ^ (entry ? 0x55555555 : 0));
  }

  #index(slot: number): void {
    this.#byIdentity.add(slot, this.#identityHash(slot));
    this.#byExchange.add(slot, this.#exchangeHash(slot, this.#is(slot, State.incoming)));
    if (this.#hasThread(slot)) this.#byThread.add(slot, this.#threadHash(slot, this.#is(slot, State.entry)));
  }

  #slot(seq: number): number {
    return seq & (this.#columns.capacity - 1);
  }
  /** Slots are a ring: the sequence number is the one of this slot that is in the window. */
  #seq(slot: number): number {
    if (slot < 0) return -1;
    const { capacity } = this.#columns;
    return this.#oldest + ((slot - this.#slot(this.#oldest) + capacity) & (capacity - 1));
  }

  #grow(): void {
    const before = this.#columns;
    const capacity = before.capacity * 2;
    this.#columns = new SpanColumns(capacity);
    this.#byIdentity = new HashChains(capacity);
    this.#byExchange = new HashChains(capacity);
    this.#byThread = new HashChains(capacity);
    for (let seq = this.#oldest; seq < this.#next; seq++) {
      const slot = this.#slot(seq);
      this.#columns.copy(slot, before, seq & (before.capacity - 1));
      this.#index(slot);
    }
  }
}
