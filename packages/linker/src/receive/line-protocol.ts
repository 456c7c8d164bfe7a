// SPDX-License-Identifier: MIT

import type { Category, FieldValue, Point } from "@skep/core";

/**
 * The points of a text in InfluxDB line protocol, timestamps in ns. Reads what core's `lineProtocol` writes and what the protocol
 * allows besides: escapes, line breaks inside strings, comments, empty lines. A point without timestamp gets `now`.
 *
 * @throws SyntaxError naming the line where the text is not line protocol
 */
export function parseLineProtocol(text: string, category: Category, now: bigint): Point[] {
  const points: Point[] = [];
  const reader = new Reader(text);
  while (reader.nextLine()) points.push(pointAt(reader, category, now));
  return points;
}

function pointAt(reader: Reader, category: Category, now: bigint): Point {
  const measurement = reader.name(", ");
  if (measurement === "") throw reader.error("a measurement");
  const tags: Record<string, string> = {};
  while (reader.accept(",")) {
    const key = reader.name("=");
    reader.expect("=");
    tags[key] = reader.name(", ");
  }
  const fields: Record<string, FieldValue> = {};
  reader.expect(" ");
  do {
    const key = reader.name("=");
    if (key === "") throw reader.error("a field");
    reader.expect("=");
    fields[key] = reader.value();
  } while (reader.accept(","));
  const time = reader.accept(" ") ? reader.name("\n") : "";
  if (time !== "" && !/^-?\d+$/.test(time)) throw reader.error("a timestamp");
  reader.endLine();
  return { measurement, category, time: time === "" ? now : BigInt(time), tags, fields };
}

class Reader {
  #at = 0;
  constructor(private readonly text: string) {}

  /** Skips empty lines and comments; false at the end of the text. */
  nextLine(): boolean {
    for (;;) {
      while (/[\s]/.test(this.text[this.#at] ?? "")) this.#at++;
      if (this.text[this.#at] !== "#") return this.#at < this.text.length;
      const end = this.text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.text.length : end;
    }
  }

  accept(char: string): boolean {
    if (this.text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  expect(char: string): void {
    if (!this.accept(char)) throw this.error(JSON.stringify(char));
  }

  /** Text up to one of these characters or the end of the line; a backslash takes the special meaning from `,`, `=` and space. */
  name(ends: string): string {
    let name = "";
    for (;;) {
      const char = this.text[this.#at];
      if (char === undefined || char === "\n" || char === "\r" || ends.includes(char)) return name;
      const next = this.text[this.#at + 1] ?? "";
      const escaped = char === "\\" && next !== "" && ",= ".includes(next);
      name += escaped ? next : char;
      this.#at += escaped ? 2 : 1;
    }
  }

  value(): FieldValue {
    if (this.accept('"')) return this.#string();
    const word = this.name(", ");
    if (/^[+-]?\d+[iu]$/.test(word)) return integer(word.slice(0, -1));
    if (/^(t|true|T|True|TRUE)$/.test(word)) return true;
    if (/^(f|false|F|False|FALSE)$/.test(word)) return false;
    if (word !== "" && Number.isFinite(Number(word))) return Number(word);
    throw this.error("a value");
  }

  #string(): string {
    let string = "";
    for (;;) {
      const char = this.text[this.#at++];
      if (char === undefined) throw this.error('"');
      if (char === '"') return string;
      const next = this.text[this.#at];
      if (char === "\\" && (next === '"' || next === "\\")) this.#at++;
      string += char === "\\" && (next === '"' || next === "\\") ? next : char;
    }
  }

  endLine(): void {
    this.accept("\r");
    if (this.#at < this.text.length) this.expect("\n");
  }

  error(expected: string): SyntaxError {
    const line = this.text.slice(0, this.#at).split("\n").length;
    return new SyntaxError(`line ${line}: expected ${expected}`);
  }
}

const integer = (digits: string): FieldValue =>
  Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt.asIntN(64, BigInt(digits));
