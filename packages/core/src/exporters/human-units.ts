// SPDX-License-Identifier: MIT

const nanosecondsPer: Readonly<Record<string, number>> = { ns: 1, us: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

/** `1536` -> `1.5 KiB`. */
export function humanBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let power = 0;
  // 1023.95 KiB would be printed as 1024 KiB.
  for (; Math.abs(bytes) >= (power === 0 ? 1024 : 1023.95) && power < units.length - 1; power++) bytes /= 1024;
  return `${power === 0 ? bytes : bytes.toFixed(1)} ${units[power]}`;
}

/** A time given in `unit` (`ns`, `us`, `ms`, `s`), in the unit people would say it in; undefined for another unit. */
export function humanTime(value: number, unit: string): string | undefined {
  const scale = nanosecondsPer[unit];
  if (scale === undefined) return undefined;
  const ns = value * scale;
  for (const [name, size] of [["s", 1e9] as const, ["ms", 1e6] as const, ["µs", 1e3] as const]) {
    if (Math.abs(ns) >= size * 0.9995) return `${Number((ns / size).toPrecision(3))} ${name}`;
  }
  return `${ns} ns`;
}
