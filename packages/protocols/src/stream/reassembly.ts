// SPDX-License-Identifier: MIT

import type { Segment } from "../decoder.js";
import type { Budget } from "./budget.js";

/** Bytes of one direction that are kept until those before them come. A hole behind which more wait is given up. */
const MOST_KEPT = 256 * 1024;
/** What a piece costs beside its bytes: many empty ones are no way around the limit. */
const PIECE_OVERHEAD = 128;

/** Bytes of one direction as they passed. */
interface Piece extends Segment {
  /** Sequence number of the first byte. */
  readonly seq: number;
  /** Bytes it stands for; `bytes` are the first of them. */
  readonly length: number;
}

/** Who gets the bytes in order. */
export interface Reader {
  /** See {@link Decoder}. */
  take(segment: Segment, from: number, to: number): number;
  indifferent(): number;
  miss(length: number, timeNs: number): void;
  /** Bytes are missing for good. */
  lose(): void;
}

/** How far `a` is behind `b` in a sequence of 32-bit numbers: negative when it comes before. */
const distance = (a: number, b: number): number => (a - b) | 0;

/**
 * Puts the bytes of one direction in order, by their sequence numbers: drops what comes twice, keeps what comes too early.
 * A hole in the middle of a body is passed over at once, since only its length matters; another one is waited for.
 */
export class Reassembly {
  /** Bytes before the next one, lost ones too. */
  offset = 0;
  #early: Piece[] = [];
  #kept = 0;

  /** @param next sequence number of the next byte */
  constructor(
    public next: number,
    private readonly reader: Reader,
    private readonly budget: Budget,
  ) {}

  /** Whether bytes are kept that have not been read. */
  get isWaiting(): boolean {
    return this.#early.length > 0;
  }

  /**
   * Takes a piece in. Its bytes are read during the call or copied.
   * @param seq sequence number of the first byte
   * @param length bytes it stands for
   * @param from where its captured bytes are in `segment.bytes`
   */
  add(seq: number, length: number, segment: Segment, from: number, captured: number): void {
    const end = (seq + length) | 0;
    if (distance(end, this.next) <= 0) return;
    if (this.#early.length > 0 || !this.#isReadable(seq)) {
      this.#keep(seq, length, segment, from, from + captured);
      this.resume();
      return;
    }
    const read = this.#read(seq, length, segment, from, from + captured);
    if (read < length) {
      const done = Math.min(read, captured);
      this.#keep((seq + read) | 0, length - read, segment, from + done, from + captured);
    }
  }

  /** Reads on, if what was missing has come or the reader is ready for more. */
  resume(): void {
    let gaveUp = false;
    while (this.#early.length > 0) {
      const piece = this.#early[0]!;
      if (!this.#isReadable(piece.seq)) {
        if (this.#kept <= MOST_KEPT) return;
        this.#giveUpHole(piece);
      }
      this.#early.shift();
      this.#forget(piece);
      const read = this.#read(piece.seq, piece.length, piece, 0, piece.bytes.length);
      if (read === piece.length) continue;
      const rest = piece.bytes.subarray(Math.min(read, piece.bytes.length));
      this.#keepPiece({
        seq: (piece.seq + read) | 0,
        length: piece.length - read,
        bytes: rest,
        timeNs: piece.timeNs,
      });
      // The reader waits for the other direction. If that never comes, what waits here becomes too much.
      if (this.#kept <= MOST_KEPT) return;
      if (gaveUp) return this.#skip();
      gaveUp = true;
      this.reader.lose();
    }
  }

  /** Waits no longer for what is missing before bytes that passed until then. */
  giveUpHoles(untilNs: number): void {
    for (let rounds = this.#early.length; rounds > 0; rounds--) {
      const piece = this.#early[0];
      if (piece === undefined || piece.timeNs > untilNs) return;
      if (!this.#isReadable(piece.seq)) this.#giveUpHole(piece);
      this.resume();
    }
  }

  /** Up to so many of the bytes that come next, of those that are kept in order; a copy. */
  peek(limit: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    let length = 0;
    let { next } = this;
    for (const { seq, bytes, length: stoodFor } of this.#early) {
      const old = distance(next, seq);
      if (old < 0 || length >= limit) break;
      const piece = bytes.subarray(old, old + limit - length);
      pieces.push(piece);
      length += piece.length;
      next = (next + piece.length) | 0;
      if (bytes.length < stoodFor) break;
    }
    return Buffer.concat(pieces);
  }

  /** Forgets what is kept. */
  close(): void {
    for (const piece of this.#early) this.#forget(piece);
    this.#early = [];
  }

  /** Whether the byte with this number is the next one, an old one, or behind a hole that does not matter. */
  #isReadable(seq: number): boolean {
    const hole = distance(seq, this.next);
    return hole <= 0 || hole <= this.reader.indifferent();
  }

  /** Reads a piece that is readable; how many bytes of its length are done with. */
  #read(seq: number, length: number, segment: Segment, from: number, to: number): number {
    const hole = distance(seq, this.next);
    if (hole > 0) this.#miss(hole, segment.timeNs);
    const old = Math.min(length, Math.max(0, -hole));
    const captured = to - from;
    let done = old;
    if (done < captured) {
      const took = this.reader.take(segment, from + done, to);
      this.#advance(took);
      done += took;
      if (done < captured) return done;
    }
    if (done < length) {
      const unseen = length - done;
      if (this.reader.indifferent() < unseen) this.reader.lose();
      this.#miss(unseen, segment.timeNs);
    }
    return length;
  }

  /** Passes over all that is kept: the reader does not want it. */
  #skip(): void {
    const last = this.#early.at(-1)!;
    this.#advance(distance(last.seq + last.length, this.next));
    this.close();
  }

  #miss(length: number, timeNs: number): void {
    this.reader.miss(length, timeNs);
    this.#advance(length);
  }

  #advance(length: number): void {
    this.next = (this.next + length) | 0;
    this.offset += length;
  }

  #giveUpHole(behind: Piece): void {
    this.reader.lose();
    this.#advance(distance(behind.seq, this.next));
  }

  #keep(seq: number, length: number, segment: Segment, from: number, to: number): void {
    this.#keepPiece({ seq, length, bytes: segment.bytes.slice(from, to), timeNs: segment.timeNs });
  }

  /** In the order of sequence numbers; equal ones: the longer first. */
  #keepPiece(piece: Piece): void {
    const cost = piece.bytes.length + PIECE_OVERHEAD;
    if (!this.budget.take(cost)) {
      // As if it had never come: what follows it will find a hole.
      this.reader.lose();
      return;
    }
    this.#kept += cost;
    let at = this.#early.length;
    while (at > 0 && comesBefore(piece, this.#early[at - 1]!)) at--;
    this.#early.splice(at, 0, piece);
  }

  #forget(piece: Piece): void {
    const cost = piece.bytes.length + PIECE_OVERHEAD;
    this.#kept -= cost;
    this.budget.release(cost);
  }
}

function comesBefore(a: Piece, b: Piece): boolean {
  const apart = distance(a.seq, b.seq);
  return apart < 0 || (apart === 0 && a.length > b.length);
}
