// SPDX-License-Identifier: MIT
const longest = 4096; // bytes: COMMAND_MAX of bpf/bash.h

export type Command = Readonly<{ cmd: string; truncated: boolean }>;

/** A line in UTF-8, cut between characters where it is too long. What is no UTF-8 becomes U+FFFD. */
export function lineOf(bytes: Uint8Array): Command {
  let end = Math.min(bytes.length, longest);
  // A byte 10xxxxxx goes on with the character before it.
  while (bytes.length > end && end > longest - 4 && (bytes[end]! & 0xc0) === 0x80) end--;
  return { cmd: Buffer.from(bytes.subarray(0, end)).toString("utf8"), truncated: bytes.length > longest };
}

/** A line of zsh: bytes that it uses itself stand as `Meta` and the byte with bit 5 turned over, and a newline ends it. */
export function lineOfZle(bytes: Uint8Array): Command {
  const meta = 0x83;
  const plain = [...bytes].flatMap((byte, at) => (byte === meta ? [] : bytes[at - 1] === meta ? byte ^ 0x20 : byte));
  const { cmd, truncated } = lineOf(Uint8Array.from(plain));
  return { cmd: cmd.replace(/\n$/, ""), truncated: truncated || bytes.length > longest };
}

/** What fish adds to its history, or the end of a history it writes anew: the last entry is the new one. */
export function lineOfFish(bytes: Uint8Array): Command {
  const [, ...entries] = lineOf(bytes).cmd.split(/^- cmd: /m);
  const cmd = /^(.*)\n {2}when: /.exec(entries.at(-1) ?? "")?.[1] ?? "";
  return { cmd: cmd.replace(/\\([n\\])/g, (_, escaped) => (escaped === "n" ? "\n" : "\\")), truncated: false };
}

/** The command line of a bash that runs a command string or a script, quoted as a shell would need it. */
export function lineOfExec(bytes: Uint8Array): Command | undefined {
  const { cmd, truncated } = lineOf(bytes);
  const words = cmd.replace(/\0$/, "").split("\0");
  return runsSomething(words) ? { cmd: words.map(quoted).join(" "), truncated } : undefined;
}

/** `-c` or a script among the arguments: bash(1), OPTIONS. */
function runsSomething(words: readonly string[]): boolean {
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!;
    if (word === "-" || word === "--") return at + 1 < words.length;
    if (/^--(rcfile|init-file)$/.test(word)) at++;
    else if (/^-[a-zA-Z]*c/.test(word) || !/^[-+]/.test(word)) return true;
    else if (/^[-+][a-zA-Z]*[oO]$/.test(word)) at++; // the option's name
  }
  return false;
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
