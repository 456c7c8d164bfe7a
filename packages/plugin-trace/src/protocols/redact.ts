// SPDX-License-Identifier: MIT

/** Characters of a message that are told. */
const LONGEST = 256;
const QUOTED = /'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)/g;
/** Numbers that stand alone: `of 5 rows`, not `int4`. */
const NUMBER = /(?<![\w.])[+-]?\d[\w.]*/g;

/**
 * What a server says of an error, without the values it quotes: `invalid input syntax for type integer: "?"`. Names that are
 * quoted go as well; the statement says them.
 */
export function redacted(message: string): string {
  const text = message.slice(0, 4 * LONGEST).replace(QUOTED, (quoted) => `${quoted[0]!}?${quoted[0]!}`);
  return text.replace(NUMBER, "?").slice(0, LONGEST);
}
