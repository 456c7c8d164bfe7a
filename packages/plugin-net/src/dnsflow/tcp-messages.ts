// SPDX-License-Identifier: MIT

import { Framing } from "./framing.js";

/** Limits of what is kept; beyond them the oldest is given up. */
export interface TcpLimits {
  /** Directions of connections followed at once. */
  readonly streams: number;
  /** Bytes kept of messages that are not whole, of all streams. */
  readonly bytes: number;
}

const defaults: TcpLimits = { streams: 8_192, bytes: 8 * 1024 * 1024 };

/** So many segments wait for one before them, in one stream, and so long: what has not come by then was lost on its way to us. */
const MOST_AHEAD = 64;
const GAP_NS = 3e9;
/** A stream silent for so long is over, or will begin with a new message. */
const IDLE_NS = 120e9;

/** Takes a message that is whole, valid during the call, and when its last byte came. */
export type TakeMessage = (whole: Buffer, timeNs: number) => void;

interface Segment {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly timeNs: number;
}

/** One direction of one connection. */
interface Stream {
  /** Sequence number of the next byte. */
  next: number;
  framing: Framing;
  /** Segments behind a gap, in order. */
  ahead: Segment[];
  /** Bytes it keeps. */
  kept: number;
  lastNs: number;
}

/**
 * DNS messages in the segments of TCP connections, which come as the network brings them: out of order, twice, or not at all.
 *
 * What a stream begins with is taken for the beginning of a message; when it is none, or a gap is not filled, the next segment
 * is tried. (Connections may be older than the agent.)
 */
export class TcpMessages {
  /** By socket and direction, those silent longest first. */
  readonly #streams = new Map<string, Stream>();
  readonly #limits: TcpLimits;
  #kept = 0;

  /** @param lost called for each place where a message could not be put together */
  constructor(
    private readonly lost: () => void,
    limits: Partial<TcpLimits> = {},
  ) {
    this.#limits = { ...defaults, ...limits };
  }

  /** A segment, or a piece of one. Hands over the messages it completes. */
  push(key: string, seq: number, bytes: Buffer, timeNs: number, message: TakeMessage): void {
    const stream = this.#streams.get(key) ?? { next: seq, framing: new Framing(), ahead: [], kept: 0, lastNs: timeNs };
    this.#streams.delete(key); // so that it becomes the one that spoke last
    this.#streams.set(key, stream);
    stream.lastNs = timeNs;
    this.#take(stream, { seq, bytes, timeNs }, message);
    this.#account(stream);
    this.#makeRoom();
  }

  /** Forgets streams that have been silent for long. */
  expire(nowNs: number): void {
    for (const [key, stream] of this.#streams) {
      if (nowNs - stream.lastNs <= IDLE_NS) return;
      this.#forget(key, stream);
    }
  }

  #take(stream: Stream, segment: Segment, message: TakeMessage): void {
    if (distance(stream.next, segment.seq) > 0) {
      this.#keepAhead(stream, segment);
      const oldest = Math.min(...stream.ahead.map(({ timeNs }) => timeNs));
      if (stream.ahead.length > MOST_AHEAD || segment.timeNs - oldest > GAP_NS) {
        this.#restart(stream, stream.ahead[0]!.seq);
      }
    } else {
      this.#read(stream, segment, message);
    }
    while (stream.ahead.length > 0 && distance(stream.next, stream.ahead[0]!.seq) <= 0) {
      this.#read(stream, stream.ahead.shift()!, message);
    }
  }

  /** A segment that begins with the next byte or one before it. */
  #read(stream: Stream, { seq, bytes, timeNs }: Segment, message: TakeMessage): void {
    const fresh = bytes.subarray(distance(seq, stream.next));
    const next = (stream.next + fresh.length) >>> 0;
    stream.next = next;
    if (!stream.framing.push(fresh, (whole) => message(whole, timeNs))) this.#restart(stream, next);
  }

  #restart(stream: Stream, seq: number): void {
    this.lost();
    stream.framing = new Framing();
    stream.next = seq;
  }

  #keepAhead(stream: Stream, { seq, bytes, timeNs }: Segment): void {
    const at = stream.ahead.findIndex((other) => distance(seq, other.seq) >= 0);
    const same = stream.ahead[at];
    if (same?.seq === seq && same.bytes.length >= bytes.length) return;
    stream.ahead.splice(at < 0 ? stream.ahead.length : at, 0, { seq, bytes: Buffer.from(bytes), timeNs });
  }

  #account(stream: Stream): void {
    const kept = stream.ahead.reduce((sum, { bytes }) => sum + bytes.length, stream.framing.kept);
    this.#kept += kept - stream.kept;
    stream.kept = kept;
  }

  #makeRoom(): void {
    for (const [key, stream] of this.#streams) {
      if (this.#streams.size <= this.#limits.streams && this.#kept <= this.#limits.bytes) return;
      this.#forget(key, stream);
    }
  }

  #forget(key: string, stream: Stream): void {
    this.#streams.delete(key);
    this.#kept -= stream.kept;
    if (stream.framing.isAmidst || stream.ahead.length > 0) this.lost();
  }
}

/** From one sequence number to another, which may have wrapped around; negative when the other comes before it. */
const distance = (from: number, to: number): number => (to - from) | 0;
