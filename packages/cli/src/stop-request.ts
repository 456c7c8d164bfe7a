// SPDX-License-Identifier: MIT

import { constants } from "node:os";

/** Why a run ends although nothing failed and no COMMAND ended. */
export type StopReason =
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "duration" }
  | { readonly kind: "left" }
  /** The agent could not do with what it may use. */
  | { readonly kind: "limit" }
  /** Whoever read stdout went away. */
  | { readonly kind: "stdout closed" };

const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Waits for a reason to stop. The first signal asks; after it, a second one ends the process at once (the kernel then detaches
 * every program, because nothing is pinned).
 */
export class StopRequest {
  /** Resolves with the first reason, and stays pending without one. */
  readonly requested: Promise<StopReason>;
  #request!: (reason: StopReason) => void;
  #signals = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param onSecondSignal runs before the process ends; must be synchronous
   * @param onHangup what SIGHUP means; default: to stop
   */
  constructor(
    private readonly onSecondSignal: () => void,
    private readonly onHangup?: () => void,
  ) {
    this.requested = new Promise((resolve) => (this.#request = resolve));
    for (const signal of stopSignals) process.on(signal, this.#onSignal);
    process.stdout.on("error", this.#onStdoutError);
  }

  /** Asks to stop, as the user of an interactive command does. */
  now(kind: "left" | "limit" = "left"): void {
    this.#request({ kind });
  }

  /** Asks to stop in `ms` milliseconds. What was asked first holds. */
  after(ms: number): void {
    this.#timer ??= setTimeout(() => this.#request({ kind: "duration" }), ms);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const signal of stopSignals) process.off(signal, this.#onSignal);
  }

  #onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP" && this.onHangup !== undefined) return this.onHangup();
    if (++this.#signals === 1) return this.#request({ kind: "signal", signal });
    this.onSecondSignal();
    process.exit(128 + constants.signals[signal]);
  };

  /** Stays installed after `close`: `| head` must not turn the last lines into a crash. */
  #onStdoutError = (error: NodeJS.ErrnoException): void => {
    // EIO: the terminal is gone.
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    this.#request({ kind: "stdout closed" });
  };
}
