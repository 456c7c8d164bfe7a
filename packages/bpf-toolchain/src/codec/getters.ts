// SPDX-License-Identifier: MIT

import type { Field, IntegerShape } from "./shape.js";

/** A method of a generated codec. */
export interface Getter {
  /** What follows the cursor parameter: empty, or `, index: number`. */
  readonly parameters: string;
  readonly name: string;
  readonly type: string;
  readonly expression: string;
  readonly comment: string;
}

/** What one field becomes: its getters, and its part of the plain object that `read` makes. */
export interface FieldCode {
  readonly getters: readonly Getter[];
  readonly type: string;
  /** Expression for `read`, calling the getters of `codec`. */
  readonly read: string;
}

/** Code for the address `delta` bytes behind the beginning of a member, or of its element. */
type Place = (delta: number) => string;

/** Writes the code of one field. `codec` is the name of the constant it becomes part of. */
export function codeOf({ name, shape, offset }: Field, codec: string): FieldCode {
  const place: Place = (delta) => (offset + delta === 0 ? "c.at" : `c.at + ${offset + delta}`);
  const call = `${codec}.${name}(c)`;
  const one = (type: string, expression: string, what: string): FieldCode => ({
    getters: [{ name, parameters: "", type, expression, comment: `${what} at byte ${offset}.` }],
    type,
    read: call,
  });
  switch (shape.kind) {
    case "boolean":
      return one("boolean", `c.bytes[${place(0)}] !== 0`, "bool");
    case "text":
      return one("string", `internString(c, ${offset}, ${shape.size})`, `char[${shape.size}]`);
    case "integer": {
      const getters = integerGetters(name, "", place, shape, `${nameOf(shape)} at byte ${offset}`);
      return { getters, type: "number", read: call };
    }
    case "bytes": {
      const what = `u8[${shape.size}] at byte ${offset}`;
      const copy: Getter = {
        name,
        parameters: "",
        type: "Uint8Array",
        expression: `c.bytes.slice(${place(0)}, ${place(shape.size)})`,
        comment: `${what}: a copy.`,
      };
      const at: Getter = {
        name: `${name}At`,
        parameters: "",
        type: "number",
        expression: place(0),
        comment: `${what}: where it begins in \`c.bytes\`, to read it without a copy.`,
      };
      return { getters: [copy, at], type: copy.type, read: call };
    }
    case "array": {
      const { element, length } = shape;
      const what = `${nameOf(element)}[${length}] at byte ${offset}, element \`index\``;
      const elementPlace: Place = (delta) => `${place(delta)} + index * ${element.size}`;
      return {
        getters: integerGetters(name, ", index: number", elementPlace, element, what),
        type: "readonly number[]",
        read: `Array.from({ length: ${length} }, (_, index) => ${codec}.${name}(c, index))`,
      };
    }
  }
}

function integerGetters(name: string, parameters: string, at: Place, shape: IntegerShape, what: string): Getter[] {
  if (shape.size < 8) {
    return [{ name, parameters, type: "number", expression: small(at, shape), comment: `${what}.` }];
  }
  const low = word(at(0));
  const high = shape.signed ? `${word(at(4))} | 0` : word(at(4));
  return [
    {
      name,
      parameters,
      type: "number",
      expression: `${low} + ${shape.signed ? `(${high})` : high} * 4294967296`,
      comment: `${what}: exact up to 2^53.`,
    },
    {
      name: `${name}Big`,
      parameters,
      type: "bigint",
      expression: `(BigInt(${high}) << 32n) | BigInt(${low})`,
      comment: `${what}: every bit of it.`,
    },
  ];
}

function small(at: Place, { size, signed }: IntegerShape): string {
  if (size === 4) return signed ? `${word(at(0))} | 0` : word(at(0));
  const low = `c.bytes[${at(0)}]!`;
  if (size === 1) return signed ? `(${low} << 24) >> 24` : low;
  const both = `${low} | (c.bytes[${at(1)}]! << 8)`;
  return signed ? `((${both}) << 16) >> 16` : both;
}

function word(at: string): string {
  return at === "c.at" ? "c.u32[c.at >> 2]!" : `c.u32[(${at}) >> 2]!`;
}

function nameOf({ size, signed }: IntegerShape): string {
  return `${signed ? "s" : "u"}${size * 8}`;
}
