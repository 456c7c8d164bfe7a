// SPDX-License-Identifier: MIT

/** Bytes that all connections together may keep. */
export class Budget {
  used = 0;

  constructor(readonly limit: number) {}

  /** False when there is no room: then nothing was taken. */
  take(bytes: number): boolean {
    if (this.used + bytes > this.limit) return false;
    this.used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.used -= bytes;
  }
}
