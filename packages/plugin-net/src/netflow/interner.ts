// SPDX-License-Identifier: MIT

/** Gives equal texts equal small numbers, so that keys can be compared as words. 0 is the empty text. */
export class Interner {
  readonly #numbers = new Map<string, number>([["", 0]]);
  readonly #texts = [""];

  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  /** @throws RangeError for a number that was never given. */
  textOf(number: number): string {
    const text = this.#texts[number];
    if (text === undefined) throw new RangeError(`no text has number ${number}`);
    return text;
  }
}
