// SPDX-License-Identifier: MIT

import { closeSync } from "node:fs";
import type { Link } from "@skep/core";
import type { LinkPointer } from "./ffi.js";
import type { Library } from "./library.js";

/**
 * One attachment of a program: a descriptor of this process and never pinned,
 * so the kernel detaches when it is closed or the process dies, however it dies.
 */
export class BpfLink implements Link, Disposable {
  #close: (() => void) | undefined;

  private constructor(
    readonly fd: number,
    close: () => void,
  ) {
    this.#close = close;
  }

  /** Takes over a `struct bpf_link`. */
  static ofPointer(library: Library, pointer: LinkPointer): BpfLink {
    return new BpfLink(library.libbpf.bpf_link__fd(pointer), () => library.libbpf.bpf_link__destroy(pointer));
  }

  /** Takes over a descriptor of `bpf_link_create`. */
  static ofFd(fd: number): BpfLink {
    return new BpfLink(fd, () => closeSync(fd));
  }

  close(): void {
    const close = this.#close;
    this.#close = undefined;
    close?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Links that are let go of in the background, two at a time: libuv's pool has four threads, and they are not ours. */
const lanes: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
let nextLane = 0;

/**
 * A link of a user probe. Letting go of one waits until every CPU has left the probe (synchronize_rcu_tasks_trace), 100 ms and
 * more during which nothing else would run, so it can be done on another thread.
 */
export class UserProbeLink implements Link {
  readonly #library: Library;
  #pointer: LinkPointer | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over a `struct bpf_link`. */
  constructor(library: Library, pointer: LinkPointer) {
    this.#library = library;
    this.#pointer = pointer;
  }

  close(): void {
    const pointer = this.#take();
    if (pointer !== undefined) this.#library.libbpf.bpf_link__destroy(pointer);
  }

  /** Until its turn comes the probe is attached, and `close` would detach it at once. */
  closeSoon(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    const lane = nextLane++ % lanes.length;
    this.#closing = lanes[lane] = lanes[lane]!.then(async () => {
      const pointer = this.#take();
      if (pointer !== undefined) await this.#library.native.destroyInBackground(pointer);
    });
    return this.#closing;
  }

  #take(): LinkPointer | undefined {
    const pointer = this.#pointer;
    this.#pointer = undefined;
    return pointer;
  }
}

/** Several links that come and go together. Closed in reverse order; idempotent. */
export class LinkSet implements Link, Disposable {
  #links: Link[] = [];

  add(link: Link): void {
    this.#links.push(link);
  }

  close(): void {
    for (const link of this.#links.splice(0).reverse()) link.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
