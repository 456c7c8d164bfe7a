// SPDX-License-Identifier: MIT

import type { Call } from "./call.js";

/** The two directions of a connection, by what they carry. */
export const Side = { REQUESTS: 0, RESPONSES: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

/** The direction that carries the other half. */
export const otherSide = (side: Side): Side => (side === Side.REQUESTS ? Side.RESPONSES : Side.REQUESTS);

/** Bytes in order that all passed at one time, ns. Valid only during the call that got them. */
export interface Segment {
  readonly bytes: Uint8Array;
  readonly timeNs: number;
}

/** A segment whose place in its direction is known. */
export interface Passage extends Segment {
  /** Offset in the direction, counted since the conversation began, of `bytes[0]`; negative where that is before. */
  readonly origin: number;
}

/** Where a decoder puts what it finds. */
export interface CallSink<C extends Call = Call> {
  /** What a server must have read to begin has come ({@link Call.requestHeadEnd}). At most once per call, before it is told. */
  asked?(call: C): void;
  /**
   * A call is over, or goes on and is told so far. It is read during the call: afterwards its bytes are counted anew.
   */
  told(call: C): void;
  /** So many calls were seen to begin, and how they went on is not known. */
  lost(calls: number): void;
}

/** What a connection turned out to be: its decoder goes no further. */
export type Turn =
  /** Another protocol that can be decoded, such as HTTP/2 after an upgrade. */
  | { readonly to: "decoder"; readonly decoder: Decoder }
  /** Another protocol, such as TLS, WebSocket or whatever a tunnel carries. */
  | { readonly to: "other" }
  /** Not the protocol it was taken for, or so much of it is missing that nothing can be decoded any more. */
  | { readonly to: "undecodable" };

/**
 * Finds the calls in the bytes of a connection. Never throws for whatever bytes, and keeps a bounded amount of them.
 * Each direction is given in order and without overlap; how the two interleave is not known exactly, so one may have to wait
 * for the other.
 */
export interface Decoder {
  /**
   * Takes bytes `from` to `to` of a passage. Returns how many it took: fewer than all when the rest must wait for the other
   * direction, or when the connection turned into something else.
   */
  take(side: Side, passage: Passage, from: number, to: number): number;
  /** How many of the next bytes are known to be body: only their number matters. */
  body(side: Side): number;
  /** How many of the next bytes may be missing: body, or what no message is expected in yet. */
  indifferent(side: Side): number;
  /** So many of the next bytes passed unseen, at most {@link Decoder.indifferent}. */
  miss(side: Side, length: number, timeNs: number): void;
  /** Bytes are missing that are not indifferent. */
  lose(): void;
  /** The connection is closed: what is pending is told as it is. */
  close(): void;
  /** Tells what is under way and can be told already. */
  tellProgress(): void;
  /** Bytes that are kept. */
  readonly size: number;
  /** Between two calls in both directions, no byte of a message in hand. */
  readonly isAtRest: boolean;
  readonly turn: Turn | undefined;
}
