// SPDX-License-Identifier: MIT

/** A kernel of the matrix: a series, and the Debian suites that carry it, best first. */
export interface KernelSeries {
  /** What `--kernel` and the result table call it. */
  readonly label: string;
  readonly suites: readonly string[];
  /** The suites move on to later series: whatever they carry now is taken, and the result names its release. */
  readonly rolling?: true;
}

/** The stock kernels that every change is held against: the oldest still maintained, and what users run since. */
export const kernelSeries: readonly KernelSeries[] = [
  { label: "5.10", suites: ["bullseye"] },
  { label: "6.1", suites: ["bookworm"] },
  { label: "6.12", suites: ["trixie", "bookworm-backports"] },
  { label: "7.2", suites: ["sid"], rolling: true },
];

/** True when a package version or kernel release belongs to a series: `6.1` has `6.1.176-1` but not `6.12.107-1`. */
export function isOfSeries(version: string, label: string): boolean {
  return version === label || version.startsWith(`${label}.`) || version.startsWith(`${label}-`);
}

/** Compares dotted numbers as numbers, so that `5.10` comes after `5.9`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[^0-9]+/).map(Number));
  for (let index = 0; index < Math.max(left!.length, right!.length); index++) {
    const difference = (left![index] ?? 0) - (right![index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
