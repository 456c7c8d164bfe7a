// SPDX-License-Identifier: MIT

/** What Skep reads from /proc/PID/stat. */
export interface ProcStat {
  readonly comm: string;
  readonly ppid: number;
  /** Clock ticks (1/100 s) after boot, suspended time included. */
  readonly startTicks: number;
}

/**
 * Reads a line of /proc/PID/stat (proc_pid_stat(5)). The name stands in parentheses and may itself hold spaces, parentheses and
 * newlines, so fields are counted from the last `)`. Undefined when it is no such line.
 */
export function parseStat(line: string): ProcStat | undefined {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const rest = line.slice(close + 2).split(" ");
  // Counted from field 3, the state: ppid is field 4, starttime field 22.
  const ppid = Number(rest[1]);
  const startTicks = Number(rest[19]);
  if (!Number.isInteger(ppid) || !Number.isInteger(startTicks)) return undefined;
  return { comm: line.slice(open + 1, close), ppid, startTicks };
}
