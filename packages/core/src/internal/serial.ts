// SPDX-License-Identifier: MIT

/** Runs asynchronous work one piece after another, in the order it was handed in. A piece that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
