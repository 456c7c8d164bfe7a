// SPDX-License-Identifier: MIT

import { type Decoder, otherSide, type Passage, type Segment, Side } from "../decoder.js";
import type { Budget } from "./budget.js";
import type { Detected, Detector } from "./detector.js";
import { Reassembly } from "./reassembly.js";

/** How it ended with a conversation: nothing more will be decoded. */
export type Outcome = "ignored" | "undecodable";

/** What is known of a conversation that begins. */
export interface ConversationStart {
  /** Sequence numbers of the first byte of what is read, and of what is written. */
  readonly readSeq: number;
  readonly writtenSeq: number;
  /** For the bytes that are kept. */
  readonly budget: Budget;
  /** What it is, when that is known, and else how to find out. */
  readonly opening: KnownOpening | UnknownOpening;
}

/** A conversation of which it is known what it is. */
export interface KnownOpening {
  /** Side of what is read. */
  readonly side: Side;
  readonly decoder: Decoder;
}

/** A conversation of which that must be found out. */
export interface UnknownOpening {
  readonly detector: Detector;
  /** Its first bytes passed before we came. */
  readonly isMidway: boolean;
}

/** Bytes of one direction among which a protocol is told, or is none that is known. */
const LONGEST_OPENING = 4096;
/** Bytes that may pass before something is found in a conversation that is joined in its middle. */
const LONGEST_SEARCH = 1024 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * The bytes both ends of a connection say, as one of them sees them pass: puts them in order and has them decoded. Which direction
 * carries requests is known, or told by the first bytes of either.
 */
export class Conversation {
  /** Set when nothing more will be decoded; what was pending has been told. */
  outcome: Outcome | undefined;
  readonly #budget: Budget;
  readonly #read: Reassembly;
  readonly #written: Reassembly;
  readonly #readFirst: number;
  readonly #writtenFirst: number;
  #decoder: Decoder | undefined;
  /** Side of what is read; the other one is written. */
  #readSide: Side = Side.REQUESTS;
  readonly #detector: Detector | undefined;
  #isMidway = false;
  /** Bytes among which nothing was found. */
  #sought = 0;
  #decoderBytes = 0;
  /** The one that is being decoded: many pass, and nobody keeps one. */
  readonly #passage: { -readonly [Key in keyof Passage]: Passage[Key] } = { bytes: NOTHING, timeNs: 0, origin: 0 };

  constructor({ readSeq, writtenSeq, budget, opening }: ConversationStart) {
    this.#budget = budget;
    this.#readFirst = readSeq;
    this.#writtenFirst = writtenSeq;
    if ("detector" in opening) {
      this.#detector = opening.detector;
      this.#isMidway = opening.isMidway;
    } else {
      this.#decoder = opening.decoder;
      this.#readSide = opening.side;
    }
    this.#read = this.#direction(readSeq, false);
    this.#written = this.#direction(writtenSeq, true);
  }

  /** Side of what is read, or of what is written; undefined as long as that is not known. */
  sideOf(isWritten: boolean): Side | undefined {
    if (this.#decoder === undefined) return undefined;
    return isWritten ? otherSide(this.#readSide) : this.#readSide;
  }

  /** Sequence number of the byte at an offset of what carries requests, or responses. */
  sequenceOf(side: Side, offset: number): number {
    return ((side === this.#readSide ? this.#readFirst : this.#writtenFirst) + offset) >>> 0;
  }

  /** Sequence number of the next byte that is decoded. */
  next(isWritten: boolean): number {
    return (isWritten ? this.#written : this.#read).next >>> 0;
  }

  /** How many of the next bytes are known to be body: only their number matters. */
  body(isWritten: boolean): number {
    return this.#decoder?.body(isWritten ? otherSide(this.#readSide) : this.#readSide) ?? 0;
  }

  /** Between two calls, and no byte in hand. */
  get isAtRest(): boolean {
    return this.#decoder?.isAtRest === true && !this.#read.isWaiting && !this.#written.isWaiting;
  }

  /**
   * Takes bytes of a direction in. They are read during the call or copied.
   * @param seq sequence number of the first
   * @param length bytes that passed
   * @param from where those that were captured begin in `segment.bytes`
   * @param captured how many they are, the first of all
   */
  add(isWritten: boolean, seq: number, length: number, segment: Segment, from: number, captured: number): void {
    if (this.outcome !== undefined) return;
    const [own, other] = isWritten ? [this.#written, this.#read] : [this.#read, this.#written];
    own.add(seq, length, segment, from, captured);
    if (this.#decoder === undefined && !this.#isMidway) this.#detect();
    // What one direction said the other may have waited for.
    other.resume();
    own.resume();
    this.#settle();
  }

  /** The connection is closed: tells what is pending. */
  close(): void {
    this.giveUpHoles(Infinity);
    if (this.outcome === undefined) this.#decoder?.close();
    this.#release();
  }

  /** Gives up: what is pending is told as far as it is known. */
  abandon(): void {
    if (this.outcome === undefined) this.#decoder?.lose();
    this.#release();
  }

  /** Waits no longer for what is missing before bytes that passed until then. */
  giveUpHoles(untilNs: number): void {
    this.#read.giveUpHoles(untilNs);
    this.#written.giveUpHoles(untilNs);
    this.#read.resume();
  }

  /** Tells calls that go on. */
  tellProgress(): void {
    this.#decoder?.tellProgress();
  }

  #direction(first: number, isWritten: boolean): Reassembly {
    const side = (): Side => (isWritten ? otherSide(this.#readSide) : this.#readSide);
    const direction: Reassembly = new Reassembly(
      first,
      {
        take: (segment, from, to) => this.#take(isWritten, direction.offset, segment, from, to),
        indifferent: () => (this.outcome ? Infinity : (this.#decoder?.indifferent(side()) ?? this.#unknown())),
        miss: (length, timeNs) => void (this.outcome ?? this.#decoder?.miss(side(), length, timeNs)),
        lose: () => this.#lose(),
      },
      this.#budget,
    );
    return direction;
  }

  // hot
  #take(isWritten: boolean, offset: number, { bytes, timeNs }: Segment, from: number, to: number): number {
    if (this.#decoder === undefined && !this.#seek(isWritten, bytes, from, to)) return this.#isMidway ? to - from : 0;
    const side = isWritten ? otherSide(this.#readSide) : this.#readSide;
    const passage = this.#passage;
    passage.bytes = bytes;
    passage.timeNs = timeNs;
    passage.origin = offset - from;
    let at = from;
    while (at < to && this.outcome === undefined) {
      at += this.#decoder!.take(side, passage, at, to);
      if (!this.#turn() && at < to) return at - from;
    }
    return to - from;
  }

  #lose(): void {
    if (this.outcome !== undefined) return;
    this.#isMidway = true;
    this.#decoder?.lose();
    this.#turn();
  }

  /** How many bytes may be missing of what is not known. */
  #unknown(): number {
    return this.#isMidway ? Infinity : 0;
  }

  /** Tells by the first bytes of either end what this is. They are kept until then. */
  #detect(): void {
    let hopeless = 0;
    for (const direction of [this.#read, this.#written]) {
      const opening = direction.peek(LONGEST_OPENING);
      const isLong = opening.length === LONGEST_OPENING;
      const found = opening.length === 0 ? "more" : this.#detector!(opening, false);
      if (found === "more" && !isLong) continue;
      if (found !== undefined && found !== "more") {
        this.#found(direction === this.#written, found);
        return direction.resume();
      }
      hopeless += isLong ? 2 : 1;
    }
    if (hopeless >= 2) this.outcome = "ignored";
  }

  /** Whether these bytes tell what a conversation is of which we have not seen the beginning. */
  #seek(isWritten: boolean, bytes: Uint8Array, from: number, to: number): boolean {
    if (!this.#isMidway) return false;
    const found = this.#detector!(bytes.subarray(from, to), true);
    if (found !== undefined && found !== "more") {
      this.#found(isWritten, found);
      return true;
    }
    this.#sought += to - from;
    if (this.#sought > LONGEST_SEARCH) this.outcome = "ignored";
    return false;
  }

  #found(isWritten: boolean, { side, decoder }: Detected): void {
    this.#readSide = isWritten ? otherSide(side) : side;
    this.#decoder = decoder;
  }

  /** Follows the decoder where the connection has turned. True if it has. */
  #turn(): boolean {
    const turn = this.#decoder?.turn;
    if (turn === undefined) return false;
    this.#decoder!.close();
    if (turn.to === "decoder") this.#decoder = turn.decoder;
    else this.outcome = turn.to === "other" ? "ignored" : "undecodable";
    return true;
  }

  /** Accounts for what is kept. */
  #settle(): void {
    if (this.outcome === undefined) {
      const size = this.#decoder?.size ?? 0;
      const isAffordable = size <= this.#decoderBytes || this.#budget.take(size - this.#decoderBytes);
      if (isAffordable) {
        if (size < this.#decoderBytes) this.#budget.release(this.#decoderBytes - size);
        this.#decoderBytes = size;
        return;
      }
      this.#decoder?.lose();
      this.outcome = "undecodable";
    }
    this.#release();
  }

  #release(): void {
    this.#read.close();
    this.#written.close();
    this.#budget.release(this.#decoderBytes);
    this.#decoderBytes = 0;
  }
}
