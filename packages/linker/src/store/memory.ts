// SPDX-License-Identifier: MIT

import type { Link } from "../link.js";
import type { ExportBatch, SpanStore } from "./store.js";

/** A store that is gone with its process: for tests, and for an agent that links its own spans. */
export function memoryStore(): SpanStore {
  const spans = new Map<number, Uint8Array>();
  const links = new Map<number, Link>();
  let oldest = 0;
  return {
    durable: false,
    recover: () => [],
    pending: () => [],
    append: (first, added) => added.forEach(({ body }, index) => spans.set(first + index, body)),
    span: (seq) => present(spans.get(seq), seq),
    link: (seq) => present(links.get(seq), seq),
    assign: (assigned: readonly (readonly [number, Link])[], _batches: readonly ExportBatch[]) =>
      assigned.forEach(([seq, link]) => links.set(seq, link)),
    taken() {},
    forget(before) {
      for (; oldest < before; oldest++) {
        spans.delete(oldest);
        links.delete(oldest);
      }
    },
    close() {
      spans.clear();
      links.clear();
    },
  };
}

function present<T>(value: T | undefined, seq: number): T {
  if (value === undefined) throw new Error(`span ${seq} is not in the store`);
  return value;
}
