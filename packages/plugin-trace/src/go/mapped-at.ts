// SPDX-License-Identifier: MIT

import type { Stretch } from "@skep/executables";

/**
 * Where a stretch of a file lies in a process's memory, by its /proc/PID/maps; undefined when it is not there in one piece, to
 * be executed.
 */
export function mappedAt(maps: string, path: string, { start, end }: Stretch): Stretch | undefined {
  for (const line of maps.split("\n")) {
    const [, from, to, permissions, offset, file] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ +(.*)$/.exec(line) ?? [];
    if (!permissions?.includes("x") || (file !== path && file !== `${path} (deleted)`)) continue;
    const [base, limit, first] = [parseInt(from!, 16), parseInt(to!, 16), parseInt(offset!, 16)];
    if (start < first || end - first > limit - base) continue;
    return { start: base + start - first, end: base + end - first };
  }
  return undefined;
}
