// SPDX-License-Identifier: MIT

/** Called with a line for the person who waits. */
export type Tell = (line: string) => void;

/** Progress goes to stderr: stdout is the result's. */
export const tellOnStderr: Tell = (line) => {
  console.error(line);
};
