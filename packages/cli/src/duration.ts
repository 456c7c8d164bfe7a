// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";

const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * `30s`, `1m30s`, `500ms`; a bare number is seconds. Returns milliseconds.
 * @throws SkepError `SKEP_ERR_CONFIG`, naming `option`
 */
export function parseDuration(option: string, text: string): number {
  const written = /^\d+(\.\d+)?$/.test(text) ? `${text}s` : text;
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (millisecondsPer[unit ?? ""] ?? 0), 0);
  if (parts.map(([part]) => part).join("") !== written || total <= 0) {
    throw new SkepError("SKEP_ERR_CONFIG", `${option}: ${JSON.stringify(text)} is not a duration`, {
      hint: "write a number and a unit, such as 30s, 500ms or 1m30s",
    });
  }
  return total;
}
