// SPDX-License-Identifier: MIT

/** A configuration file as plain data. */
export interface ParsedFile {
  readonly tree: unknown;
  /** Path of a key ({@link lineKey}) -> line, from 1. List items do not count in paths. */
  readonly lines: ReadonlyMap<string, number>;
}

export const lineKey = (path: readonly string[]): string => path.join("\n");
