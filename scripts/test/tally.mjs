// SPDX-License-Identifier: MIT

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

/**
 * Ava's line for each test, rather than its closing words: those leave out what passed when something failed, and are not said
 * at all by a run that was killed. Exceptions and rejections outside any test have only the closing words.
 */
const words = {
  passed: /^ *[✔√] /gm,
  skipped: /^ *- \[(?:skip|todo)\] /gm,
  failed: /^ *[✘×] \[fail\]/gm,
  escaped: /^ *(\d+) (?:uncaught exceptions?|unhandled rejections?)$/gm,
};
/** The last line of the kernel matrix. */
const kernelLine = /^kernels: (\d+) passed, (\d+) failed, (\d+) skipped$/gm;

// eslint-disable-next-line no-control-regex -- what a terminal colours with
const colour = /\x1b\[[0-9;]*m/g;

/**
 * Sums the tests of every ava run and of the kernel matrix in `output`.
 * @param {string} output
 * @returns {Tally}
 */
export function tallyOf(output) {
  const text = output.replace(colour, "");
  const count = (pattern) => [...text.matchAll(pattern)].length;
  const sum = (pattern, group) => [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[group]), 0);
  return {
    passed: count(words.passed) + sum(kernelLine, 1),
    failed: count(words.failed) + sum(words.escaped, 1) + sum(kernelLine, 2),
    skipped: count(words.skipped) + sum(kernelLine, 3),
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
