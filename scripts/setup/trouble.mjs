// SPDX-License-Identifier: MIT

/** Something the set-up needs and cannot have. Shown as one message, never as a stack trace. */
export class Trouble extends Error {
  /**
   * @param {string} message what is missing or failed
   * @param {string} [mend] what the reader can do about it
   */
  constructor(message, mend) {
    super(message);
    this.mend = mend;
  }
}

/**
 * Runs `main` and ends the process with its status; a {@link Trouble} is told in two lines and ends it with 1.
 * @param {() => Promise<number | void>} main
 */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    process.stderr.write(`\nerror: ${error.message}\n`);
    if (error.mend) process.stderr.write(`  mend: ${error.mend}\n`);
    process.exitCode = 1;
  }
}
