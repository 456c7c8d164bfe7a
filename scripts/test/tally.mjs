// SPDX-License-Identifier: MIT

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/** Ava's closing words and what they count as. A broken promise outside any test is a failure like another. */
const words = {
  passed: /^ *(\d+) tests? passed$/gm,
  skipped: /^ *(\d+) tests? (?:skipped|todo)$/gm,
  failed: /^ *(\d+) (?:(?:tests?|hooks?) failed|uncaught exceptions?|unhandled rejections?|test files? .*)$/gm,
};
/** The kernel matrix says it per kernel, in one line. */
const kernelLine = /^\S+: .*?\b(\d+) passed, (\d+) failed, (\d+) skipped\b/gm;

// eslint-disable-next-line no-control-regex -- what a terminal colours with
const colour = /\x1b\[[0-9;]*m/g;

/**
 * Sums the closing lines of every ava run and of every kernel in `output`.
 * @param {string} output
 * @returns {Tally}
 */
export function tallyOf(output) {
  const text = output.replace(colour, "");
  const sum = (pattern, group = 1) =>
    [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[group]), 0);
  return {
    passed: sum(words.passed) + sum(kernelLine, 1),
    failed: sum(words.failed) + sum(kernelLine, 2),
    skipped: sum(words.skipped) + sum(kernelLine, 3),
  };
}

/**
 * A step that failed without a failing test (lint, a crash, a time-out) counts as one failure: the sum never lies.
 * @param {Tally} tally
 * @param {boolean} succeeded
 * @returns {Tally}
 */
export const withOutcome = (tally, succeeded) => (succeeded || tally.failed > 0 ? tally : { ...tally, failed: 1 });

/** @param {Tally} a @param {Tally} b @returns {Tally} */
export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});
