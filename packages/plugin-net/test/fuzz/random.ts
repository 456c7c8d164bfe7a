// SPDX-License-Identifier: MIT

/** Whole numbers from 0 to below. */
export type Random = (below: number) => number;

/** Mulberry32: small, fast, and the same everywhere for the same seed. */
export function random(seed: number): Random {
  let current = seed >>> 0;
  return (below) => {
    current = (current + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(current ^ (current >>> 15), current | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Milliseconds of processor that work takes: the shortest of a few tries, since others may want the processor too. */
export function cpuMs(work: () => void): number {
  const tries = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...tries);
}
