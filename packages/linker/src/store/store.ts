// SPDX-License-Identifier: MIT

import type { Link } from "../link.js";

/** Spans that are exported together. */
export interface ExportBatch {
  readonly id: number;
  /** Sequence numbers. */
  readonly spans: readonly number[];
}

/** A span a store remembers. */
export interface StoredSpan {
  readonly seq: number;
  /** As it was appended. */
  readonly span: Uint8Array;
  readonly link: Link | undefined;
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
  append(first: number, spans: readonly Uint8Array[]): void;
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
