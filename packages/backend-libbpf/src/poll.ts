// SPDX-License-Identifier: MIT

import koffi from "koffi";

/**
 * One-shot wake-ups on a file descriptor, over libuv's poll.
 *
 * koffi's handle is guarded here: it is closed under our feet when its JavaScript object is collected, so it is held;
 * and `start`, `stop` or `unref` after `close` crash the process, so they are never reached.
 * The descriptor must stay open until {@link close}. Never keeps the process alive.
 */
export class Poll {
  #handle: ReturnType<typeof koffi.node.poll> | undefined;
  #callback: (() => void) | undefined;
  #closed = false;

  constructor(private readonly fd: number) {}

  /** Calls back once when the descriptor is readable. A second call before that takes the place of the first. */
  once(callback: () => void): void {
    if (this.#closed) return;
    const armed = this.#callback !== undefined;
    this.#callback = callback;
    if (armed) return;
    if (this.#handle === undefined) {
      this.#handle = koffi.node.poll(this.fd, { readable: true }, this.#wake);
      this.#handle.unref();
    } else {
      this.#handle.start({ readable: true }, this.#wake);
    }
  }

  /** Takes {@link once} back. */
  cancel(): void {
    if (this.#callback === undefined) return;
    this.#callback = undefined;
    this.#handle?.stop();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#callback = undefined;
    this.#handle?.close();
    this.#handle = undefined;
  }

  readonly #wake = (): void => {
    const callback = this.#callback;
    this.cancel();
    // Without a macrotask of ours, Node 26 (libuv 1.52) leaves promises made in here waiting for somebody else's.
    setImmediate(() => {});
    callback?.();
  };
}
