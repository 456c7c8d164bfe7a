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
