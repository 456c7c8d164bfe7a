// SPDX-License-Identifier: MIT

const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/**
 * `512MiB`, `2GB`, `100K`, `10MB/s`; units in any case, a bare number is bytes. Returns bytes (or bytes per second); undefined when
 * it is no size.
 */
export function parseSize(value: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)(?:\/s)?$/i.exec(String(value).trim());
  const unit = units[match?.[2]?.toLowerCase() ?? "?"];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}
