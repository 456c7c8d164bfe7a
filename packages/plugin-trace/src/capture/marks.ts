// SPDX-License-Identifier: MIT

/** Who moved bytes between a process and a connection: struct trace_mark. */
export interface Mover {
  readonly pid: number;
  /** Kernel thread. */
  readonly tid: number;
  /** Goroutine on whose behalf; 0: none. */
  readonly goroutine: bigint;
  /** Name of the kernel thread. */
  readonly threadName: string;
  /** When it moved them, ns. */
  readonly timeNs: number;
  /** False when somebody else may have moved some of these bytes. */
  readonly isSure: boolean;
}

interface Mark {
  /** Sequence number of the first byte. */
  readonly from: number;
  readonly mover: Mover;
}

/** Of one direction of a connection; calls whose bytes are older than that have long been attributed. */
const MOST_KEPT = 256;

/** How far `a` is behind `b` in a sequence of 32-bit numbers: negative when it comes before. */
const distance = (a: number, b: number): number => (a - b) | 0;

/** Who moved which bytes of one direction of a connection. */
export class Marks {
  /** In the order of sequence numbers. */
  #marks: Mark[] = [];
  /** Every byte before this one has its mark. */
  #knownTo: number | undefined;

  /** Who moved the bytes from `from` on. */
  add(from: number, mover: Mover): void {
    let at = this.#marks.length;
    while (at > 0 && distance(this.#marks[at - 1]!.from, from) > 0) at--;
    this.#marks.splice(at, 0, { from, mover });
    if (this.#marks.length > MOST_KEPT) this.#marks.shift();
  }

  /** Every byte before `seq` has been moved, and marked if a mark was due. */
  movedTo(seq: number): void {
    if (this.#knownTo === undefined || distance(seq, this.#knownTo) > 0) this.#knownTo = seq;
  }

  /** Who moved the byte with this sequence number; undefined when it is not known, or not yet. */
  moverOf(seq: number): Mover | undefined {
    if (this.#knownTo === undefined || distance(seq, this.#knownTo) >= 0) return undefined;
    return this.#marks.findLast(({ from }) => distance(from, seq) <= 0)?.mover;
  }
}
