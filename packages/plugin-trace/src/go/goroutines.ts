// SPDX-License-Identifier: MIT

import type { BpfMap } from "@skep/core";
import { goOrigin } from "./codec.gen.js";

/** How a goroutine came to be. */
export interface GoroutineOrigin {
  /** Id of the goroutine that made it. */
  readonly parent: bigint;
  /** On the kernel's clock, ns. */
  readonly createdNs: number;
  /** Infinity: it is still at work. */
  readonly endedNs: number;
}

/** Who made the goroutines of Go programs, as far as the kernel remembers: the latest 65,536. */
export class Goroutines {
  readonly #key = new DataView(new ArrayBuffer(16));

  /** @param origins `go_origins` */
  constructor(private readonly origins: BpfMap) {}

  /**
   * Undefined of the main goroutine, of those older than the agent, of those that write for others (net/http's writeLoop), and
   * of programs made by a Go before 1.21.
   */
  originOf(pid: number, goid: bigint): GoroutineOrigin | undefined {
    this.#key.setBigUint64(0, goid, true);
    this.#key.setUint32(8, pid, true);
    const bytes = this.origins.lookup(new Uint8Array(this.#key.buffer));
    if (bytes === undefined || bytes.length < goOrigin.layout.size) return undefined;
    const value = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const endedNs = Number(value.getBigUint64(16, true));
    return {
      parent: value.getBigUint64(0, true),
      createdNs: Number(value.getBigUint64(8, true)),
      endedNs: endedNs === 0 ? Infinity : endedNs,
    };
  }
}
