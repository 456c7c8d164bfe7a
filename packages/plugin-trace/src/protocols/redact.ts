// SPDX-License-Identifier: MIT

/** Characters of a message that are told, and up to how many it is known to be whole. */
const LONGEST = 256;
const LONGEST_WHOLE = 400;
/** Not the apostrophe of `doesn't`. */
const OPENING = /(?<!\w)['"`]/;
/** Numbers that stand alone: `of 5 rows`, not `int4`. */
const NUMBER = /(?<![\w.])[+-]?\d[\w.]*/g;

/**
 * What a server says of an error, without the values it quotes: `invalid input syntax for type integer: "?"`. Servers quote as they
 * are what has quotes in it, so all from the first quote to the last goes.
 */
export function redacted(message: string): string {
  const from = OPENING.exec(message)?.index ?? message.length;
  const isWhole = message.length <= LONGEST_WHOLE;
  const to = isWhole ? lastQuote(message) : message.length;
  const quote = message[from] ?? "";
  const text =
    from > to || quote === "" ? message : `${message.slice(0, from)}${quote}?${quote}${message.slice(to + 1)}`;
  return text.replace(NUMBER, "?").slice(0, LONGEST);
}

/** The last quote that is none of `doesn't`. */
function lastQuote(message: string): number {
  const contracted = message.replace(/n't\b/g, "n t");
  return Math.max(contracted.lastIndexOf("'"), contracted.lastIndexOf('"'), contracted.lastIndexOf("`"));
}
