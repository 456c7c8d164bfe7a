// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "@skep/core";
import type { FakeRing } from "../kernel/fake-ring.js";
import type { Recording } from "../recording/reader.js";

interface DueRecord {
  readonly timeNs: bigint;
  readonly ring: FakeRing;
  readonly bytes: Uint8Array;
}

/** Puts the recorded records back into their rings, each when its time comes. */
export class RingFeed {
  readonly #records: readonly DueRecord[];
  readonly #endNs: bigint;
  readonly #rings: ReadonlySet<FakeRing>;
  readonly #finish: () => void;
  readonly finished: Promise<void>;
  #next = 0;
  #timer: Timer | undefined;
  #started = false;

  constructor(
    recording: Recording,
    ringOf: (map: string) => FakeRing,
    private readonly clock: Clock,
    private readonly shiftNs: bigint,
  ) {
    this.#records = recording.frames.flatMap((frame) =>
      frame.kind === "record"
        ? [{ timeNs: frame.timeNs, ring: ringOf(recording.streams.get(frame.stream)!.name), bytes: frame.bytes }]
        : [],
    );
    this.#endNs = recording.endNs;
    this.#rings = new Set(this.#records.map(({ ring }) => ring));
    let finish = () => {};
    this.finished = new Promise((resolve) => (finish = resolve));
    this.#finish = finish;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#pump();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #pump(): void {
    const now = this.clock.monotonicNs() - this.shiftNs;
    for (; this.#next < this.#records.length; this.#next++) {
      const { timeNs, ring, bytes } = this.#records[this.#next]!;
      if (timeNs > now) return this.#pumpAt(timeNs, now);
      ring.push(bytes);
    }
    if (this.#endNs > now) this.#pumpAt(this.#endNs, now);
    else this.#whenRead();
  }

  #pumpAt(timeNs: bigint, now: bigint): void {
    // At least a microsecond, so that rounding down never spins.
    this.#timer = this.clock.after(Math.max(0.001, Number(timeNs - now) / 1e6), () => this.#pump());
  }

  #whenRead(): void {
    let waiting = this.#rings.size;
    if (waiting === 0) this.#finish();
    for (const ring of this.#rings) {
      ring.whenEmpty(() => {
        if (--waiting === 0) this.#finish();
      });
    }
  }
}
