// SPDX-License-Identifier: MIT

import { EventEmitter } from "eventemitter3";

type Listener = (...args: never[]) => unknown;
type Listeners<T> = { [E in keyof T]: Listener };

/**
 * An eventemitter3 whose listeners cannot hurt: by itself it lets a listener's throw reach the emitter and skip the listeners
 * behind. Here every listener is wrapped when it is added; a throw, or a promise that rejects, goes to `onThrow`.
 */
export class GuardedEmitter<T extends Listeners<T>> {
  // Typed at this class's own border: eventemitter3 cannot relate a generic event map to its argument lists.
  readonly #emitter = new EventEmitter<Record<string | symbol, (...args: unknown[]) => void>>();
  readonly #guards = new WeakMap<Listener, (...args: unknown[]) => void>();

  constructor(private readonly onThrow: (event: keyof T, listener: Listener, thrown: unknown) => void) {}

  on<E extends keyof T & string>(event: E, listener: T[E]): void {
    this.#emitter.on(event, this.#guard(event, listener));
  }

  once<E extends keyof T & string>(event: E, listener: T[E]): void {
    this.#emitter.once(event, this.#guard(event, listener));
  }

  off<E extends keyof T & string>(event: E, listener: T[E]): void {
    const guard = this.#guards.get(listener);
    if (guard !== undefined) this.#emitter.off(event, guard);
  }

  /** True when somebody listened. */
  emit<E extends keyof T & string>(event: E, ...args: Parameters<T[E]>): boolean {
    return this.#emitter.emit(event, ...args);
  }

  listenerCount(event: keyof T & string): number {
    return this.#emitter.listenerCount(event);
  }

  /** One guard per function, so that `off` finds what `on` added. */
  #guard(event: keyof T, listener: Listener): (...args: unknown[]) => void {
    const known = this.#guards.get(listener);
    if (known !== undefined) return known;
    const fail = (thrown: unknown) => this.onThrow(event, listener, thrown);
    const guard = (...args: unknown[]) => {
      try {
        const result = (listener as (...args: unknown[]) => unknown)(...args);
        if (result instanceof Promise) result.catch(fail);
      } catch (thrown) {
        fail(thrown);
      }
    };
    this.#guards.set(listener, guard);
    return guard;
  }
}
