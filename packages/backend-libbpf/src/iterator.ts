// SPDX-License-Identifier: MIT

import { closeSync, readSync } from "node:fs";
import { Cursor, SkepError, type BpfIterator, type RecordHandler, type SliceOptions } from "@skep/core";
import { systemError } from "./errno.js";
import type { Library } from "./library.js";
import type { BpfLink } from "./link.js";
import { Slices } from "./slices.js";

/** The kernel gives at most its own sequence buffer (eight pages) a read. */
const READ_BYTES = 64 * 1024;

/** A link of an iterator program; each {@link read} walks the kernel's objects anew. */
export class LinkIterator implements BpfIterator, Disposable {
  #spare: ArrayBuffer | undefined;
  #closed = false;

  constructor(
    private readonly library: Library,
    private readonly program: string,
    private readonly link: BpfLink,
    private readonly onClose: () => void,
  ) {}

  /**
   * Guaranteed: the records of one `read(2)` are handed over right after it, before anything else of this process runs.
   * The event loop gets its turn between two reads only. A handler may so count on what the kernel said last.
   */
  async read(recordSize: number, handler: RecordHandler, options?: SliceOptions): Promise<number> {
    if (this.#closed) throw new SkepError("SKEP_ERR_CLOSED", `iterator ${this.program} is closed`);
    if (!Number.isInteger(recordSize) || recordSize < 4 || recordSize % 4 !== 0 || recordSize > READ_BYTES) {
      throw this.failure(`records of ${recordSize} bytes: expected a multiple of 4 up to ${READ_BYTES}`);
    }
    const fd = this.library.libbpf.bpf_iter_create(this.link.fd);
    if (fd < 0) throw this.failure("cannot be started", systemError(fd));
    const buffer = this.#spare ?? new ArrayBuffer(2 * READ_BYTES);
    this.#spare = undefined;
    try {
      return await this.walk(fd, buffer, recordSize, handler, new Slices(options));
    } finally {
      closeSync(fd);
      this.#spare = buffer;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.link.close();
    this.onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async walk(
    fd: number,
    buffer: ArrayBuffer,
    recordSize: number,
    handler: RecordHandler,
    slices: Slices,
  ): Promise<number> {
    const record = new Cursor(buffer);
    record.length = recordSize;
    let records = 0;
    /** Bytes at the front of the buffer that begin a record the next read completes. */
    let carried = 0;
    for (;;) {
      const got = this.readOnce(fd, record.bytes, carried);
      if (got === 0) break;
      const filled = carried + got;
      let at = 0;
      for (; at + recordSize <= filled; at += recordSize) {
        record.at = at;
        records++;
        handler(record);
      }
      record.bytes.copyWithin(0, at, filled);
      carried = filled - at;
      if (slices.over) await slices.next();
    }
    if (carried === 0) return records;
    throw this.failure(`ended inside a record: ${carried} bytes are left, a record has ${recordSize}`);
  }

  private readOnce(fd: number, bytes: Uint8Array, offset: number): number {
    for (;;) {
      try {
        return readSync(fd, bytes, offset, READ_BYTES, null);
      } catch (cause) {
        // The kernel gives up for a moment after a million objects without output, or on a signal.
        const { code } = cause as NodeJS.ErrnoException;
        if (code !== "EAGAIN" && code !== "EINTR") throw this.failure("cannot be read", cause);
      }
    }
  }

  private failure(what: string, cause?: unknown): SkepError {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    return new SkepError("SKEP_ERR_ITERATOR", `iterator ${this.program} ${what}${reason}`, { cause });
  }
}
