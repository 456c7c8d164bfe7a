// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { type Budget, type Call, type CallSink, Conversation, type Detector, Side } from "@skep/protocols";
import { traceChunk, traceEvent, traceMark, traceOpen } from "../codec.gen.js";
import { EventFlag, OrderKind } from "../contract.js";
import { type Ends, endsOf } from "./ends.js";
import { Marks, type Mover } from "./marks.js";
import type { Order } from "./orders.js";

/** The kernel is spared copying as many bytes of a body as that, or more. */
const WORTH_SKIPPING = 32 * 1024;
/** Sequence numbers are compared by their difference, which has a sign. */
const FARTHEST = 2 ** 30;

/** Connections that say less, and they are many, need no order. */
const WORTH_AN_ORDER = 8 * 1024;

const IGNORE: Order = { kind: OrderKind.IGNORE, readSeq: 0, writtenSeq: 0 };
const MARKS: Order = { kind: OrderKind.MARKS, readSeq: 0, writtenSeq: 0 };
const TELL: Order = { kind: OrderKind.TELL, readSeq: 0, writtenSeq: 0 };

/** Who hears of the calls of connections. */
export interface Listener {
  /** A request can be worked at. */
  asked(connection: Connection, call: Call): void;
  /** A call is over, whether it was heard of before or not. */
  told(connection: Connection, call: Call): void;
  /** So many calls are not told any more. */
  lost(connection: Connection, calls: number): void;
  /** Somebody moved bytes: more may be known of whose calls they are. */
  marked(connection: Connection): void;
  /** The same of a connection whose requests cannot be read, such as those inside TLS. */
  markedUnread(connection: Connection, mover: Mover, isWritten: boolean): void;
}

/** Makes what finds out of what kind a connection is. */
export type MakeDetector = (sink: CallSink) => Detector;

/** One end of a TCP connection: what was said, and who in the process said and heard it. */
export class Connection {
  readonly ends: Ends;
  /** When anything of it was told last, ns. */
  lastNs: number;
  /** Passed so far, in both directions. */
  #bytes = 0;
  /** Direction of its first bytes, which are a client's in most protocols. */
  #beganWritten: boolean | undefined;
  /** Something passed before that was not seen. */
  readonly #isMidway: boolean;
  readonly #conversation: Conversation;
  readonly #marks: readonly [read: Marks, written: Marks] = [new Marks(), new Marks()];
  readonly #segment: { bytes: Uint8Array; timeNs: number } = { bytes: new Uint8Array(0), timeNs: 0 };

  /** @param record struct trace_open */
  constructor(
    record: Cursor,
    makeDetector: MakeDetector,
    budget: Budget,
    private readonly listener: Listener,
  ) {
    this.ends = endsOf(record);
    this.lastNs = traceEvent.timeNs(record);
    this.#isMidway = (traceEvent.flags(record) & EventFlag.MIDWAY) !== 0;
    this.#conversation = new Conversation({
      readSeq: traceOpen.readSeq(record),
      writtenSeq: traceOpen.writtenSeq(record),
      budget,
      opening: {
        detector: makeDetector({
          asked: (call) => listener.asked(this, call),
          told: (call) => listener.told(this, call),
          lost: (calls) => listener.lost(this, calls),
        }),
        isMidway: this.#isMidway,
      },
    });
  }

  /** Requests come in: this end serves. */
  get isServer(): boolean {
    return this.#conversation.sideOf(false) === Side.REQUESTS;
  }

  /** Nothing more will be decoded: it is no protocol we know, or not any more. */
  get outcome(): "ignored" | "undecodable" | undefined {
    return this.#conversation.outcome;
  }

  // hot
  /** @param record struct trace_chunk */
  chunk(record: Cursor): void {
    const timeNs = (this.lastNs = traceEvent.timeNs(record));
    const from = record.at + traceChunk.layout.size;
    const captured = Math.max(0, Math.min(traceChunk.captured(record), record.length - traceChunk.layout.size));
    const isWritten = (traceEvent.flags(record) & EventFlag.WRITTEN) !== 0;
    this.#beganWritten ??= isWritten;
    this.#bytes += traceChunk.length(record);
    this.#segment.bytes = record.bytes;
    this.#segment.timeNs = timeNs;
    const seq = traceChunk.seq(record);
    this.#conversation.add(isWritten, seq, traceChunk.length(record), this.#segment, from, captured);
  }

  /** @param record struct trace_mark. Returns who it was. */
  mark(record: Cursor): Mover {
    const flags = traceEvent.flags(record);
    const mover: Mover = {
      pid: traceMark.tgid(record),
      tid: traceMark.tid(record),
      goroutine: traceMark.goroutineBig(record),
      threadName: traceMark.comm(record),
      timeNs: (this.lastNs = traceEvent.timeNs(record)),
      isSure: (flags & EventFlag.UNSURE) === 0,
    };
    const isWritten = (flags & EventFlag.WRITTEN) !== 0;
    if (this.outcome !== undefined) {
      this.listener.markedUnread(this, mover, isWritten);
      return mover;
    }
    const [read, written] = this.#marks;
    (isWritten ? written : read).add(traceMark.from(record), mover);
    read.movedTo(traceMark.readTo(record));
    written.movedTo(traceMark.writtenTo(record));
    this.listener.marked(this);
    return mover;
  }

  /** Sequence number of the byte at an offset of what carries requests, or responses. */
  sequenceOf(side: Side, offset: number): number {
    return this.#conversation.sequenceOf(side, offset);
  }

  /** Sequence number of the next byte of a response that has not begun. */
  get nextResponseSeq(): number {
    return this.#conversation.next(this.isServer);
  }

  /** Who in this process moved the byte at an offset of what carries requests, or responses; undefined when that is not known, or not yet. */
  moverOf(side: Side, offset: number): Mover | undefined {
    const isWritten = (side === Side.RESPONSES) === this.isServer;
    return this.#marks[isWritten ? 1 : 0].moverOf(this.sequenceOf(side, offset));
  }

  /** What the kernel shall do; undefined: what it does by itself, which is to tell the beginning of each turn. */
  get order(): Order | undefined {
    // Who serves requests that cannot be read has them in hand all the same.
    if (this.outcome !== undefined) return this.#serves ? MARKS : IGNORE;
    const [read, written] = [this.#conversation.body(false), this.#conversation.body(true)];
    if (Math.max(read, written) < WORTH_SKIPPING)
      return this.#isKnown && this.#bytes > WORTH_AN_ORDER ? TELL : undefined;
    return {
      kind: OrderKind.SKIP,
      readSeq: (this.#conversation.next(false) + Math.min(read, FARTHEST)) >>> 0,
      writtenSeq: (this.#conversation.next(true) + Math.min(written, FARTHEST)) >>> 0,
    };
  }

  get #serves(): boolean {
    return this.#isKnown ? this.isServer : this.#beganWritten === false && !this.#isMidway;
  }

  get #isKnown(): boolean {
    return this.#conversation.sideOf(false) !== undefined;
  }

  /** Waits no longer for what is missing before bytes that passed until then. */
  giveUpHoles(untilNs: number): void {
    this.#conversation.giveUpHoles(untilNs);
  }

  /** It is closed: tells what is pending. */
  close(): void {
    this.#conversation.close();
  }
}
