// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "@skep/core";

/** Turns of the event loop without anything new after which the code under test is taken to be waiting for time. */
const QUIET_TURNS = 4;
/** Turns after which code that keeps asking for "soon" is taken to do so for ever. */
const MOST_TURNS = 100_000;

/** More of the clock's time than anything is worth waiting for. */
const LONGEST_RUN_MS = 3_600_000;

export interface FakeClockOptions {
  /** What the kernel's CLOCK_MONOTONIC says at the start, ns. Default: an hour. */
  readonly monotonicNs?: bigint;
  /** What Unix time is at the start, ns. Default: 2001-09-09T01:46:40Z. */
  readonly unixNs?: bigint;
}

/** Time that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` milliseconds pass: due timers run in the order of their times, and after each one everything it set in motion
   * that needs no more time (promises, `soon`) comes to rest before the next.
   */
  advance(ms: number): Promise<void>;
  /** Lets everything that needs no time come to rest. */
  settle(): Promise<void>;
  /** Lets time pass, from timer to timer, until `pending` has settled: `await clock.run(agent.flush())`. */
  run<T>(pending: Promise<T>): Promise<T>;
  /** Timers waiting for their time. */
  readonly pendingTimers: number;
}

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
}

class StandingClock implements FakeClock {
  readonly #timers = new Set<PendingTimer>();
  readonly #monotonicNs: bigint;
  readonly #unixNs: bigint;
  #elapsedMs = 0;
  #order = 0;
  /** Callbacks of `soon` that have not run yet. */
  #soon = 0;

  constructor(options: FakeClockOptions) {
    this.#monotonicNs = options.monotonicNs ?? 3_600_000_000_000n;
    this.#unixNs = options.unixNs ?? 1_000_000_000_000_000_000n;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#elapsedMs;
  }

  monotonicNs(): bigint {
    return this.#monotonicNs + this.#elapsedNs();
  }

  unixNs(): bigint {
    return this.#unixNs + this.#elapsedNs();
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Runs on the real event loop: a turn takes no time, and what waits for one must not wait for `advance`. */
  soon(fn: () => void): Timer {
    this.#soon++;
    let pending = true;
    const done = () => {
      if (pending) this.#soon--;
      pending = false;
    };
    const immediate = setImmediate(() => {
      done();
      fn();
    });
    return {
      cancel: () => {
        clearImmediate(immediate);
        done();
      },
    };
  }

  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    await this.settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.fn();
      await this.settle();
    }
    this.#elapsedMs = until;
  }

  async run<T>(pending: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => void (settled = true);
    pending.then(mark, mark);
    const until = this.#elapsedMs + LONGEST_RUN_MS;
    await this.settle();
    while (!settled) {
      const next = this.#next(until);
      if (next === undefined) throw new Error("nothing that could still happen settles this promise");
      await this.advance(next.dueMs - this.#elapsedMs);
    }
    return pending;
  }

  async settle(): Promise<void> {
    let quiet = 0;
    for (let turn = 0; quiet < QUIET_TURNS && turn < MOST_TURNS; turn++) {
      quiet = this.#soon === 0 ? quiet + 1 : 0;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  #elapsedNs(): bigint {
    return BigInt(Math.round(this.#elapsedMs * 1e6));
  }

  /** The first timer due by `until`; of equal times the one set first. */
  #next(until: number): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > until) continue;
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** A clock for tests. Real input and output (files, sockets) is not waited for: only promises and `soon` are. */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  return new StandingClock(options);
}
