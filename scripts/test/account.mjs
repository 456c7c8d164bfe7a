// SPDX-License-Identifier: MIT

const mostLines = 150;
/** What ava says of failed tests stands behind this line, and another one closes it. */
const rule = /^ *─$/;

/**
 * The part of a failed step's output that says why: ava's account of the failed tests, else the end. For the last words of a run,
 * whose beginning may be out of reach by then.
 * @param {string} output
 * @returns {string}
 */
export function accountOf(output) {
  const lines = output.trimEnd().split("\n");
  const begin = lines.findIndex((line) => rule.test(line));
  const account = begin === -1 ? lines.slice(-mostLines) : lines.slice(begin + 1);
  if (account.length <= mostLines) return account.join("\n").trim();
  const left = account.length - mostLines;
  return [...account.slice(0, mostLines), `(and ${left} more lines)`].join("\n").trim();
}
