// SPDX-License-Identifier: MIT

/** What has been told of a connection already. */
export const Told = { ESTABLISHED: 1, CLOSED: 2 } as const;

/**
 * What each live connection had moved when it was last read, so that the next reading gives the difference.
 * Only connections that outlive an interval are here: a short one is complete in its last record.
 */
export class ConnectionTable {
  readonly #slots = new Map<number, number>();
  readonly #free: number[] = [];
  #generation = 0;
  #passing = false;
  readonly #gone = new Set<number>();

  bytesRead = new Float64Array(64);
  bytesWritten = new Float64Array(64);
  retransmits = new Uint32Array(64);
  told = new Uint8Array(64);
  #seen = new Uint32Array(64);

  get size(): number {
    return this.#slots.size;
  }

  /** The slot of a connection, or -1. */
  find(id: number): number {
    return this.#slots.get(id) ?? -1;
  }

  /** The slot of a live connection, all zero when it is new. */
  touch(id: number): number {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#slots.size;
      if (slot >= this.told.length) this.#grow();
      this.#slots.set(id, slot);
      this.bytesRead[slot] = this.bytesWritten[slot] = this.retransmits[slot] = this.told[slot] = 0;
    }
    this.#seen[slot] = this.#generation;
    return slot;
  }

  /** Whether it was removed since {@link beginPass}: what was read of it before that may yet follow. */
  isGone(id: number): boolean {
    return this.#gone.has(id);
  }

  remove(id: number): void {
    if (this.#passing) this.#gone.add(id);
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#free.push(slot);
  }

  /** Before a reading of all live connections. */
  beginPass(): void {
    this.#generation++;
    this.#passing = true;
  }

  /**
   * Ends the reading. Forgets connections that two whole ones did not find: their last record was lost. (One reading may
   * skip a connection, when others leave the same hash bucket while the kernel walks it.)
   */
  forgetUnseen(): number {
    this.#passing = false;
    this.#gone.clear();
    let forgotten = 0;
    for (const [id, slot] of this.#slots) {
      if (this.#generation - this.#seen[slot]! < 2) continue;
      this.remove(id);
      forgotten++;
    }
    return forgotten;
  }

  #grow(): void {
    const capacity = this.told.length * 2;
    this.bytesRead = grown(this.bytesRead, new Float64Array(capacity));
    this.bytesWritten = grown(this.bytesWritten, new Float64Array(capacity));
    this.retransmits = grown(this.retransmits, new Uint32Array(capacity));
    this.told = grown(this.told, new Uint8Array(capacity));
    this.#seen = grown(this.#seen, new Uint32Array(capacity));
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
