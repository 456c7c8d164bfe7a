// SPDX-License-Identifier: MIT

/** Bits of {@link SpanColumns.state}. */
export const State = {
  incoming: 1,
  entry: 2,
  keep: 4,
  reject: 8,
  appTrace: 16,
  /** Has its ids. */
  linked: 32,
  /** Every exporter has it, or it was sampled out. */
  settled: 64,
} as const;

/**
 * The spans of a window, one column per property: typed arrays, because a million objects would be a gigabyte and the garbage
 * collector's whole day. The row of a span is its slot.
 */
export class SpanColumns {
  readonly identity: Uint32Array;
  readonly requestSeq: Uint32Array;
  readonly responseSeq: Uint32Array;
  readonly client: Uint32Array;
  readonly server: Uint32Array;
  readonly threadHigh: Uint32Array;
  readonly threadLow: Uint32Array;
  /** Milliseconds of the linker's clock. */
  readonly arrived: Float64Array;
  /** Bytes in the store. */
  readonly size: Uint32Array;
  /** Scratch of whoever walks a trace: 0 between walks. */
  readonly mark: Uint32Array;
  readonly state: Uint8Array;

  constructor(readonly capacity: number) {
    this.identity = new Uint32Array(capacity * 4);
    this.requestSeq = new Uint32Array(capacity);
    this.responseSeq = new Uint32Array(capacity);
    this.client = new Uint32Array(capacity);
    this.server = new Uint32Array(capacity);
    this.threadHigh = new Uint32Array(capacity);
    this.threadLow = new Uint32Array(capacity);
    this.arrived = new Float64Array(capacity);
    this.size = new Uint32Array(capacity);
    this.mark = new Uint32Array(capacity);
    this.state = new Uint8Array(capacity);
  }

  /** Copies a row of another table. */
  copy(slot: number, from: SpanColumns, there: number): void {
    this.identity.set(from.identity.subarray(there * 4, there * 4 + 4), slot * 4);
    this.requestSeq[slot] = from.requestSeq[there]!;
    this.responseSeq[slot] = from.responseSeq[there]!;
    this.client[slot] = from.client[there]!;
    this.server[slot] = from.server[there]!;
    this.threadHigh[slot] = from.threadHigh[there]!;
    this.threadLow[slot] = from.threadLow[there]!;
    this.arrived[slot] = from.arrived[there]!;
    this.size[slot] = from.size[there]!;
    this.state[slot] = from.state[there]!;
  }
}
