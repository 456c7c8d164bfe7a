// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalField, optionalTag } from "@skep/core";

/** One point per command. */
export const commands = defineMeasurement({
  name: "bash",
  category: "logging",
  description: "A command that was typed into a shell",
  tags: {
    cwd: optionalTag("working directory of the shell, as the host sees it (see shell_cwd)"),
    tty: optionalTag("terminal of the shell, such as `/dev/pts/0` (see shell_tty)"),
  },
  fields: {
    cmd: field("string", "1", "the command as it was typed, at most 4 KiB"),
    message: field("string", "1", "local time, pid, user and command in one line, control characters escaped"),
    pid: field("string", "1", "process of the shell, in the host's pid namespace"),
    user: field("string", "1", "login name in the shell's own passwd file, or the uid when it has none there"),
    truncated: optionalField("bool", "1", "true when `cmd` is only the beginning of a longer command; else absent"),
  },
});

/** The line of a log: ``2006-01-02T15:04:05+01:00 pid:`42` user:`ann` cmd:`ls` ``. `time` is Unix time in ns. */
export function messageOf(time: bigint, pid: number, user: string, cmd: string): string {
  const escaped = cmd.replace(/[\p{Cc}\u2028\u2029]/gu, escapeOf);
  return `${localTime(time)} pid:\`${pid}\` user:\`${user}\` cmd:\`${escaped}\``;
}

const escapeOf = (character: string): string =>
  ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" })[character] ??
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** RFC 3339 to the second, in the time zone of this process. */
function localTime(unixNs: bigint): string {
  const time = new Date(Number(unixNs / 1_000_000n));
  const offset = -time.getTimezoneOffset();
  const clock = (minutes: number) => new Date(minutes * 60_000).toISOString();
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${clock(Math.abs(offset)).slice(11, 16)}`;
  return clock(time.getTime() / 60_000 + offset).slice(0, 19) + zone;
}
