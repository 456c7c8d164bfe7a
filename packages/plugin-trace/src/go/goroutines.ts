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

/** Who made the goroutines of Go programs, and for whom they write, as far as the kernel remembers: 65,536 of each. */
export class Goroutines {
  readonly #key = new DataView(new ArrayBuffer(16));

  /**
   * @param origins `go_origins`
   * @param streams `go_streams`
   */
  constructor(
    private readonly origins: BpfMap,
    private readonly streams: BpfMap,
  ) {}

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

  /**
   * For which goroutine `writer`, which writes to a connection of HTTP/2 for others (grpc-go), has written the headers of
   * `stream`: the one that asks, or at the other end the one that answers first. Undefined where that is not known.
   */
  askerOf(pid: number, writer: bigint, stream: number): bigint | undefined {
    this.#key.setBigUint64(0, writer, true);
    this.#key.setUint32(8, pid, true);
    this.#key.setUint32(12, stream, true);
    const bytes = this.streams.lookup(new Uint8Array(this.#key.buffer));
    this.#key.setUint32(12, 0, true);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  }
}
