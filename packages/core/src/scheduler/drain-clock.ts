// SPDX-License-Identifier: MIT

import type { RecordHandler, Ring } from "../backend.js";
import type { Timing } from "../agent/metrics.js";
import { Stopwatch } from "../internal/stopwatch.js";
import type { Clock, Timer } from "./clock.js";

/** How a ring is used. */
export interface RingUsage {
  /** Largest share that waited when it was read. */
  peak: number;
  records: number;
}

/** A ring and who reads it. */
export interface DrainSource {
  readonly ring: Ring;
  readonly handle: RecordHandler;
  /** Records are few and each is waited for: read at its own wake-up, also while the other rings are read on the timer. */
  readonly urgent?: boolean;
  /** Kept current by the clock. */
  readonly usage?: RingUsage;
  /** The ring itself failed, or `handle` threw; it is read no more. */
  failed(error: unknown): void;
}

/** Longest stretch of draining before the event loop gets its turn, milliseconds. */
export const sliceMs = 5;
/** Time between two drains while records come, milliseconds. */
const shortestMs = 5;
const longestMs = 20;
/** Time to write a record that has been begun, milliseconds. */
const writingMs = 1;
/** Share of a ring that may fill between two drains before they come sooner. */
const crowded = 1 / 16;

/**
 * Empties ring buffers. Asleep on the rings' own wake-ups while they are empty; after a wake-up it drains on a timer of 5 to 20 ms
 * (sooner when rings fill) and listens to no wake-up, because one per record costs the traced process a third of its throughput;
 * an empty drain sends it back to sleep. One turn never takes longer than 5 ms for all rings together.
 */
export class DrainClock {
  readonly #sources = new Set<DrainSource>();
  #pending: Timer | undefined;
  #asleep = false;
  #running = false;
  #intervalMs = shortestMs;
  /** Makes the time between two drains longer by this factor, but not where a ring fills: fewer turns cost less. */
  pace = 1;
  #firstOfTurn = 0;
  /** Share of the fullest ring before it was read. */
  #fill = 0;
  readonly #turns = new Stopwatch();

  constructor(
    private readonly clock: Clock,
    /** Called after each turn in which records were read. */
    private readonly onDrained: () => void = () => {},
  ) {}

  /** Turns in which records were read. */
  get timing(): Timing {
    return this.#turns.timing;
  }

  /** Starts reading a ring; returns how to stop. */
  add(source: DrainSource): () => void {
    this.#sources.add(source);
    if (this.#running) this.#wake();
    return () => this.#remove(source);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#wake();
  }

  stop(): void {
    this.#running = false;
    this.#disarm();
    this.#cancel();
    for (const { ring } of this.#urgent()) ring.cancelWait();
  }

  /**
   * Reads what is in the rings now, records that are still being written included, or until `performance.now() >= deadline`; yields
   * to the event loop between slices.
   */
  async drainAll(deadline: number): Promise<void> {
    const due = [...this.#sources].map((source) => ({ source, end: endOf(source) }));
    const isBehind = (): boolean =>
      due.some(({ source, end }) => this.#sources.has(source) && end !== undefined && !source.ring.hasReached(end));
    for (;;) {
      const { records } = this.#drain(Math.min(deadline, performance.now() + sliceMs));
      if (!isBehind() || performance.now() >= deadline) return;
      await new Promise<void>((resolve) => {
        // Whoever writes the next record has been interrupted.
        if (records === 0) this.clock.after(writingMs, resolve);
        else this.clock.soon(resolve);
      });
    }
  }

  #wake(): void {
    this.#disarm();
    this.#cancel();
    this.#intervalMs = shortestMs;
    // Not at once: the wake-up comes from a poll callback, and `add` is called in the middle of a plugin's start.
    this.#pending = this.clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#pending = undefined;
    if (!this.#running) return;
    const { records, full, fill } = this.#drain(performance.now() + sliceMs);
    if (full) {
      this.#pending = this.clock.soon(() => this.#turn());
      return;
    }
    // A record reserved but not committed yet is pending and cannot be read: it would wake us at once, again and again.
    if (records === 0 && !this.#anythingPending()) {
      this.#sleep();
      return;
    }
    this.#intervalMs =
      fill > crowded ? shortestMs : Math.min(longestMs * this.pace, this.#intervalMs * 1.5 * this.pace);
    this.#pending = this.clock.after(this.#intervalMs, () => this.#turn());
    for (const source of this.#urgent()) this.#readAtWakeUp(source);
  }

  #urgent(): DrainSource[] {
    return [...this.#sources].filter((source) => source.urgent);
  }

  #readAtWakeUp(source: DrainSource): void {
    source.ring.wait(() => {
      // Asleep, the whole clock wakes up instead; after an empty read (a record not committed yet) the timer has its turn.
      if (!this.#running || this.#pending === undefined) return;
      if (this.#read(source, performance.now() + sliceMs) === 0 || !this.#sources.has(source)) return;
      this.onDrained();
      this.#readAtWakeUp(source);
    });
  }

  /** One slice over all rings. `full`: the slice ended before the rings did. `fill`: the fullest ring's share before reading. */
  #drain(deadline: number): { records: number; full: boolean; fill: number } {
    const begin = performance.now();
    const sources = [...this.#sources];
    const first = sources.length === 0 ? 0 : this.#firstOfTurn % sources.length;
    let records = 0;
    let full = false;
    this.#fill = 0;
    for (let i = 0; i < sources.length; i++) {
      const source = sources[(first + i) % sources.length]!;
      records += this.#read(source, deadline);
      if (performance.now() >= deadline) {
        // The next turn begins with the ring after this one: no ring starves behind a busy one.
        this.#firstOfTurn = (first + i + 1) % sources.length;
        full = this.#anythingPending();
        break;
      }
    }
    if (records > 0) {
      this.#turns.add(performance.now() - begin);
      this.onDrained();
    }
    return { records, full, fill: this.#fill };
  }

  /** Records that were read; a ring that fails, or whose reader throws, is read no more. */
  #read(source: DrainSource, deadline: number): number {
    try {
      const fill = source.ring.pending() / source.ring.size;
      if (fill > this.#fill) this.#fill = fill;
      const records = source.ring.drain(source.handle, deadline);
      if (source.usage !== undefined) {
        source.usage.records += records;
        if (fill > source.usage.peak) source.usage.peak = fill;
      }
      return records;
    } catch (error) {
      this.#remove(source);
      source.failed(error);
      return 0;
    }
  }

  #remove(source: DrainSource): void {
    if (this.#sources.delete(source) && (this.#asleep || source.urgent)) source.ring.cancelWait();
  }

  #anythingPending(): boolean {
    for (const { ring } of this.#sources) if (ring.pending() > 0) return true;
    return false;
  }

  #sleep(): void {
    this.#asleep = true;
    for (const { ring } of this.#sources) ring.wait(() => this.#asleep && this.#running && this.#wake());
  }

  #disarm(): void {
    if (!this.#asleep) return;
    this.#asleep = false;
    for (const { ring } of this.#sources) ring.cancelWait();
  }

  #cancel(): void {
    this.#pending?.cancel();
    this.#pending = undefined;
  }
}

/** Undefined where the ring itself fails: the next reading tells. */
function endOf({ ring }: DrainSource): number | undefined {
  try {
    return ring.end();
  } catch {
    return undefined;
  }
}
