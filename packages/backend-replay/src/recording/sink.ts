// SPDX-License-Identifier: MIT

import { closeSync, openSync, writeSync } from "node:fs";

/** Where the bytes of one recording go. Both calls are synchronous, so that a slow disk cannot fill memory. */
export interface RecordingSink {
  /** Takes `bytes`, which are valid during the call only. A throw ends the recording, not the observation. */
  write(bytes: Uint8Array): void;
  /** Called once. */
  close(): void;
}

/** A recording in a file, which must not exist yet: a recording is evidence and is not overwritten. */
export function fileSink(path: string): RecordingSink {
  const fd = openSync(path, "wx", 0o600);
  return {
    write(bytes) {
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
    },
    close: () => closeSync(fd),
  };
}

/** A recording in memory, for tests. */
export interface MemorySink extends RecordingSink {
  /** A copy of everything written so far. */
  bytes(): Uint8Array;
  readonly closed: boolean;
}

export function memorySink(): MemorySink {
  const chunks: Uint8Array[] = [];
  let closed = false;
  return {
    write: (bytes) => void chunks.push(Uint8Array.from(bytes)),
    close: () => void (closed = true),
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
    get closed() {
      return closed;
    },
  };
}
