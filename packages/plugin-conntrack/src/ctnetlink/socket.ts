// SPDX-License-Identifier: MIT

import { closeSync } from "node:fs";
import { isTranslated, Kind } from "../nat/entry.js";
import { CtMessage, dumpRequest, EntryReader } from "./messages.js";
import { Errno, ReadableWatch, receiveFromKernel, sendToKernel } from "./ffi.js";
import { eachMessage, type Message, MessageFlag, MessageType, u32 } from "./netlink.js";

/** The kernel puts up to 32 KiB of a dump into one message; newer ones may take more. */
const RECEIVE_BYTES = 128 * 1024;
/** The event loop waits no longer than this for one turn of reading. */
const SLICE_MS = 5;

let receiveBuffer: Uint8Array | undefined;

/** Who hears what a socket brings. The entry is valid only during the call. */
export interface EntryListener {
  entry(kind: Kind, entry: Uint32Array): void;
  /** A message that no kernel sends. */
  malformed(): void;
  /** Events came faster than they were read: some are lost. */
  overrun(): void;
}

/** A request the kernel refused, or a socket that broke. */
export class CtnetlinkError extends Error {
  constructor(readonly errno: number) {
    super(`ctnetlink answers errno ${errno}`);
  }
}

interface Dump {
  readonly sequence: number;
  resolve(consistent: boolean): void;
  reject(error: CtnetlinkError): void;
  consistent: boolean;
}

/**
 * A ctnetlink socket of one network namespace: events of the groups it was bound to, and dumps. It reads when there is
 * something to read, in slices, without waiting. It owns the descriptor, and with it keeps the namespace alive: close it when
 * nobody else holds the namespace.
 */
export class ConntrackSocket {
  readonly #reader: EntryReader;
  readonly #watch: ReadableWatch;
  #dump: Dump | undefined;
  #sequence = 0;
  #closed = false;

  constructor(
    private readonly fd: number,
    netns: number,
    private readonly listener: EntryListener,
  ) {
    this.#reader = new EntryReader(netns);
    this.#watch = new ReadableWatch(fd, () => this.#read(SLICE_MS));
  }

  /**
   * Has the kernel tell every entry, to the listener. Resolves to whether it went through its table without disturbance:
   * if not, some entries may be missing. One at a time.
   * @throws CtnetlinkError
   */
  dump(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new CtnetlinkError(Errno.ENOENT));
      this.#dump = { sequence: ++this.#sequence, resolve, reject, consistent: true };
      const sent = sendToKernel(this.fd, dumpRequest(this.#sequence));
      if (sent < 0) this.#endDump((dump) => dump.reject(new CtnetlinkError(-sent)));
    });
  }

  /** By its owner, or because it broke. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Reads what has arrived already, rather than at the event loop's next turn. */
  catchUp(): void {
    this.#read(SLICE_MS);
  }

  /** Idempotent. A dump under way is rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    closeSync(this.fd);
    this.#endDump((dump) => dump.reject(new CtnetlinkError(Errno.ENOENT)));
  }

  // hot
  #read(sliceMs: number): void {
    const bytes = (receiveBuffer ??= new Uint8Array(RECEIVE_BYTES));
    let until = 0;
    while (!this.#closed) {
      const length = receiveFromKernel(this.fd, bytes);
      if (length > bytes.length || length === -Errno.ENOBUFS) this.listener.overrun();
      else if (length > 0) this.#handle(bytes, length);
      else if (length === -Errno.EAGAIN) return;
      else if (length < 0 && length !== -Errno.EINTR) return this.close();
      // The clock costs as much as a message: what comes alone, as most does, is read without it.
      const now = performance.now();
      if (until === 0) until = now + sliceMs;
      else if (now >= until) return; // the descriptor stays readable
    }
  }

  #handle(bytes: Uint8Array, length: number): void {
    const whole = eachMessage(bytes, length, (message) => this.#message(bytes, message));
    if (!whole) this.listener.malformed();
  }

  // hot
  #message(bytes: Uint8Array, { type, flags, sequence, at, end }: Message): void {
    const dump = this.#dump?.sequence === sequence ? this.#dump : undefined;
    if (dump !== undefined && (flags & MessageFlag.DUMP_INTERRUPTED) !== 0) dump.consistent = false;
    if (type === CtMessage.NEW || type === CtMessage.DELETE) this.#entry(bytes, type, at, end);
    else if (type === MessageType.DONE && dump) this.#endDump(() => dump.resolve(dump.consistent));
    else if (type === MessageType.ERROR && dump) this.#refused(bytes, at, end);
  }

  #entry(bytes: Uint8Array, type: number, at: number, end: number): void {
    const reading = this.#reader.read(bytes, at, end);
    if (reading === "malformed") return this.listener.malformed();
    if (reading === "foreign") return;
    const { entry } = this.#reader;
    const translated = isTranslated(entry);
    if (type === CtMessage.NEW) this.listener.entry(translated ? Kind.TRANSLATED : Kind.PLAIN, entry);
    else if (translated) this.listener.entry(Kind.ENDED, entry);
  }

  /** struct nlmsgerr begins with the negative errno; 0 says that the request was understood. */
  #refused(bytes: Uint8Array, at: number, end: number): void {
    const errno = end - at >= 4 ? -(u32(bytes, at) | 0) : Errno.EINVAL;
    if (errno !== 0) this.#endDump((dump) => dump.reject(new CtnetlinkError(errno)));
  }

  #endDump(end: (dump: Dump) => void): void {
    const dump = this.#dump;
    this.#dump = undefined;
    if (dump !== undefined) end(dump);
  }
}
