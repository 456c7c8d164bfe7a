// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";
import { systemError } from "./errno.js";
import type { Native } from "./ffi.js";
import { LARGEST_RING, type RingMemory } from "./ring.js";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** mmap's MAP_FAILED as koffi gives it. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

interface Reservation {
  readonly address: bigint;
  readonly buffer: ArrayBuffer;
}

/** Reservations that are free again, by their length in bytes. One list for the process (or worker): addresses are. */
const free = new Map<number, Reservation[]>();

/**
 * A ring buffer's memory in this process.
 *
 * A view of mapped memory cannot be taken back from JavaScript (Node 20 has no `ArrayBuffer.prototype.transfer`),
 * and reading one after munmap kills the process. So nothing is ever unmapped: closing puts untouched anonymous pages, which
 * take no memory, in the place of the ring, and the address range waits for the next ring of its size.
 * A cursor kept for too long reads zeros or another ring; the number of ranges is that of rings open at once.
 */
export class RingMapping implements RingMemory {
  #open = true;

  private constructor(
    private readonly native: Native,
    private readonly reservation: Reservation,
    readonly pageSize: number,
    readonly size: number,
  ) {}

  /** @throws SkepError `SKEP_ERR_MAP` */
  static open(native: Native, map: string, fd: number, size: number): RingMapping {
    if (size > LARGEST_RING) {
      throw new SkepError(
        "SKEP_ERR_MAP",
        `ring ${map} is ${size} bytes, the largest that can be read is ${LARGEST_RING}`,
      );
    }
    const page = native.libc.getpagesize();
    const reservation = reserve(native, map, 2 * page + 2 * size);
    const mapping = new RingMapping(native, reservation, page, size);
    try {
      mapping.place(map, 0, page, PROT_READ | PROT_WRITE, fd);
      mapping.place(map, page, page + 2 * size, PROT_READ, fd);
    } catch (error) {
      mapping.close();
      throw error;
    }
    return mapping;
  }

  get buffer(): ArrayBuffer {
    return this.reservation.buffer;
  }

  /** Lets go of the ring. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { address, buffer } = this.reservation;
    blank(this.native, address, buffer.byteLength);
    const waiting = free.get(buffer.byteLength);
    if (waiting === undefined) free.set(buffer.byteLength, [this.reservation]);
    else waiting.push(this.reservation);
  }

  /** Maps a part of the ring's file over the same part of the reservation. */
  private place(map: string, offset: number, length: number, protection: number, fd: number): void {
    const address = this.reservation.address + BigInt(offset);
    const got = this.native.libc.mmap(address, length, protection, MAP_SHARED | MAP_FIXED, fd, offset);
    if (got === MAP_FAILED) throw mapError(this.native, map);
  }
}

function reserve(native: Native, map: string, length: number): Reservation {
  const waiting = free.get(length)?.pop();
  if (waiting !== undefined) return waiting;
  const address = blank(native, null, length);
  if (address === MAP_FAILED) throw mapError(native, map);
  return { address, buffer: native.view(address, length) };
}

/** Readable pages of zeros that cost nothing until read. */
const blank = (native: Native, address: bigint | null, length: number): bigint => {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address === null ? 0 : MAP_FIXED);
  return native.libc.mmap(address, length, PROT_READ, flags, -1, 0);
};

function mapError(native: Native, map: string): SkepError {
  const cause = systemError(native.errno());
  return new SkepError("SKEP_ERR_MAP", `ring ${map} cannot be mapped: ${cause.code}`, { phase: "load", cause });
}
