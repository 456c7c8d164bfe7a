// SPDX-License-Identifier: MIT

import { nameText } from "./message.js";

/** What stands for any name, where there are too many. */
const ANY = 1;

/** Gives the names that are asked for numbers, a bounded count of them. 0 is no name. */
export class QuestionNames {
  readonly #numbers = new Map<string, number>();
  readonly #texts = ["", "*"];

  /** @param most names told apart; those that come later are all `*` */
  constructor(private readonly most: number) {}

  /** @param wireName as in a {@link Question} */
  numberOf(wireName: string): number {
    const known = this.#numbers.get(wireName);
    if (known !== undefined) return known;
    if (this.#numbers.size >= this.most) return ANY;
    const number = this.#texts.push(nameText(wireName)) - 1;
    this.#numbers.set(wireName, number);
    return number;
  }

  /** @throws RangeError for a number that was never given. */
  textOf(number: number): string {
    const text = this.#texts[number];
    if (text === undefined) throw new RangeError(`no name has number ${number}`);
    return text;
  }
}
