// SPDX-License-Identifier: MIT

import { SkepError, type DataVariable } from "@skep/core";

/** A value for a `const volatile` global. */
export type Constant = number | bigint | boolean;

/**
 * Writes constants into the bytes of a `.rodata` section, little-endian at each variable's own width.
 * Names that are no variable of the section are left to other objects; those written are returned.
 * @throws SkepError `SKEP_ERR_OBJECT` when a value does not fit, or the variable is no integer.
 */
export function writeConstants(
  section: Uint8Array,
  variables: readonly DataVariable[],
  constants: Readonly<Record<string, Constant>>,
): readonly string[] {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const written = variables.filter(({ name }) => constants[name] !== undefined);
  for (const variable of written) writeConstant(view, variable, constants[variable.name]!);
  return written.map(({ name }) => name);
}

function writeConstant(view: DataView, { name, offset, size }: DataVariable, constant: Constant): void {
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) {
    throw unfit(`constant ${name} is ${size} bytes wide: only integers and booleans can be set`);
  }
  if (typeof constant === "number" && !Number.isInteger(constant)) {
    throw unfit(`constant ${name} is an integer, not ${constant}`);
  }
  const value = BigInt(constant);
  const bits = size * 8;
  // Signed and unsigned variables look alike from here: anything that fits either is taken.
  if (BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, value) !== value) {
    throw unfit(`constant ${name} is ${size} bytes wide: ${value} does not fit`);
  }
  if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  else if (size === 4) view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
  else if (size === 2) view.setUint16(offset, Number(BigInt.asUintN(16, value)), true);
  else view.setUint8(offset, Number(BigInt.asUintN(8, value)));
}

const unfit = (message: string): SkepError => new SkepError("SKEP_ERR_OBJECT", message, { phase: "load" });
