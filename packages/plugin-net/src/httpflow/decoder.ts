// SPDX-License-Identifier: MIT

import type { Exchange } from "./exchange.js";

/** The two directions of a connection, by what they carry. */
export const Side = { REQUESTS: 0, RESPONSES: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

/** Bytes in order that all passed at one time, ns. Valid only during the call that got them. */
export interface Passage {
  readonly bytes: Uint8Array;
  readonly timeNs: number;
}

/** Where a decoder puts what it finds. */
export interface ExchangeSink {
  /**
   * An exchange is over, or goes on and is told so far ({@link Exchange.isTold}). It is read during the call: afterwards its
   * bytes are counted anew.
   */
  told(exchange: Exchange): void;
  /** So many exchanges were seen to begin, and how they went on is not known. */
  lost(exchanges: number): void;
}

/** What a connection turned out to be: its decoder goes no further. */
export type Turn =
  /**
   * HTTP/2 from here on. So many bytes of the client's preface are still to come; `upgraded` is the exchange that asked for
   * it, which is answered on stream 1.
   */
  | { readonly to: "http2"; readonly prefaceLeft: number; readonly upgraded?: Exchange }
  /** Another protocol, such as WebSocket or whatever a tunnel carries. */
  | { readonly to: "other" }
  /** No HTTP, or so much of it is missing that nothing can be decoded any more. */
  | { readonly to: "undecodable" };

/**
 * Finds the exchanges in the bytes of a connection. Never throws for whatever bytes, and keeps a bounded amount of them.
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
  /** Between two exchanges in both directions, no byte of a message in hand. */
  readonly isAtRest: boolean;
  readonly turn: Turn | undefined;
}
