// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";

/** Contents of a file; empty when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The number a file holds; null when it holds none. */
export function readNumber(path: string): number | null {
  const text = readText(path).trim();
  return /^-?\d+$/.test(text) ? Number(text) : null;
}
