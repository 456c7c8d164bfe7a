// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { TopModel } from "./model.js";
import { pageOf, render } from "./render.js";
import { Screen } from "./screen.js";
import { initialState, press, type Key } from "./state.js";

/** Between two looks at what has come, milliseconds: with flushes every two seconds, one look per flush. */
const tickMs = 2_000;

/** One use of `skep top`: a model, a screen, and what the user does. */
export class TopSession {
  readonly #model = new TopModel();
  readonly #leave = new AbortController();
  readonly #screen = new Screen(
    (key) => this.#press(key),
    () => this.#show(),
  );
  #state = initialState;
  #pending: Point[] = [];
  #tickedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #notice = "";

  constructor() {
    this.#show();
  }

  /** Aborted when the user leaves. */
  get left(): AbortSignal {
    return this.#leave.signal;
  }

  take(points: readonly Point[]): void {
    this.#pending.push(...points);
    // Half a tick behind the first flush, and so behind each: none is seen half, or twice.
    this.#timer ??= setTimeout(() => this.#tick(), tickMs / 2);
  }

  /** Everything there is: nothing more will come. */
  showAll(points: readonly Point[], seconds: number): void {
    this.#model.tick(points, seconds);
    this.#show();
  }

  notice(message: string): void {
    this.#notice = message;
    this.#show();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#screen.close();
  }

  #tick(): void {
    const now = performance.now();
    const points = this.#pending.splice(0);
    this.#timer = setTimeout(() => this.#tick(), tickMs);
    this.#model.tick(points, (now - this.#tickedAt) / 1000);
    this.#tickedAt = now;
    if (!this.#state.paused) this.#show();
  }

  #press(key: Key): void {
    const next = press(this.#state, key, pageOf(this.#screen.shape));
    if (next === undefined) return this.#leave.abort();
    this.#state = next;
    this.#show();
  }

  #show(): void {
    this.#screen.show(render(this.#model, this.#state, this.#screen.shape, this.#notice));
  }
}
