// SPDX-License-Identifier: MIT

import type { Link } from "../link.js";

/** Spans that are exported together. */
export interface ExportBatch {
  readonly id: number;
  /** Sequence numbers. */
  readonly spans: readonly number[];
}

/** A span to be stored. */
export interface SpanRecord {
  /** What linking needs to know of it, as `packKeys` writes it. */
  readonly keys: Buffer;
  /** The span itself. */
  readonly body: Uint8Array;
}

/** What a store remembers of a span, without the span. */
export interface StoredSpan {
  readonly seq: number;
  readonly keys: Buffer;
  /** Bytes of the span. */
  readonly size: number;
  readonly isLinked: boolean;
}

/**
 * Where the spans of a window are kept, by their sequence numbers. Every method has done its work when it returns; one that
 * throws has done nothing. A store belongs to one linker.
 */
export interface SpanStore {
  /** What is appended outlives the process. */
  readonly durable: boolean;
  /** Everything that was there before, in the order of sequence numbers; called once, before all else. */
  recover(): Iterable<StoredSpan>;
  /** Batches that were not {@link taken} yet, oldest first. */
  pending(): readonly ExportBatch[];
  /** Appends spans whose sequence numbers begin with `first`. */
  append(first: number, spans: readonly SpanRecord[]): void;
  /** @throws Error for a span that is not there */
  span(seq: number): Uint8Array;
  /** @throws Error for a span without link */
  link(seq: number): Link;
  /** Remembers links, and what is to be exported. */
  assign(links: readonly (readonly [seq: number, link: Link])[], batches: readonly ExportBatch[]): void;
  /** A batch is exported. */
  taken(batch: number): void;
  /** Forgets all spans before this sequence number. */
  forget(before: number): void;
  close(): void;
}
