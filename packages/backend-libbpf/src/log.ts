// SPDX-License-Identifier: MIT

/** Lines of the verifier's log that are kept: its verdict is at the end, after the state it died in. */
const VERIFIER_LINES = 6;
/** Characters of an essence; a message is read by people. */
const LONGEST = 1200;

/** What libbpf said that explains nothing, or wrongly: its rlimit hint is printed for every EPERM of root. */
const noise = [/ulimit -l/, /^failed to load object/, /^Error in .*retrying without BTF/, /^libbpf: loading /];
const verifierNoise = [/^processed \d+ insns/, /^verification time/, /^stack depth/, /^\s*$/, /^max_states_per_insn/];

/**
 * The essence of what libbpf printed during one operation: its first line that tells an error, and the verifier's last words.
 * Empty when it said nothing of use.
 */
export function essence(printed: readonly string[]): string {
  const text = printed.join("");
  const verifier = /-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/.exec(text)?.[1] ?? "";
  const first = text
    .replace(/.*-- BEGIN PROG LOAD LOG --\n[\s\S]*?-- END PROG LOAD LOG --\n?/g, "")
    .split("\n")
    .map((line) => line.replace(/^libbpf: /, "").trim())
    .find((line) => line !== "" && !noise.some((pattern) => pattern.test(line)));
  const verdict = verifier
    .split("\n")
    .filter((line) => !verifierNoise.some((pattern) => pattern.test(line)))
    .slice(-VERIFIER_LINES)
    .join("\n");
  const both = [first, verdict].filter((part) => part !== undefined && part !== "").join("\n");
  return both.length > LONGEST ? `${both.slice(0, LONGEST)}...` : both;
}
