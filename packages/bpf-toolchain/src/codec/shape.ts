// SPDX-License-Identifier: MIT

import { SkepError, type Btf, type BtfType, type Layout, type StructMember } from "@skep/core";
import { camelCase, isPadding } from "./names.js";

/** An integer of 1, 2, 4 or 8 bytes. */
export interface IntegerShape {
  readonly kind: "integer";
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

/** How a member is read. */
export type Shape =
  | IntegerShape
  | { readonly kind: "boolean" }
  /** `char[size]`: text up to the first NUL. */
  | { readonly kind: "text"; readonly size: number }
  /** `u8[size]`: bytes, such as an address. */
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "array"; readonly element: IntegerShape; readonly length: number };

/** A member that gets a getter. */
export interface Field {
  /** Name of the getter. */
  readonly name: string;
  /** Name in C, inner structs joined by dots. */
  readonly member: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  readonly shape: Shape;
}

/** A struct as its codec sees it. */
export interface RecordShape {
  readonly layout: Layout;
  readonly fields: readonly Field[];
}

/** What a codec has besides its getters. */
const RESERVED = new Set(["layout", "read"]);

/**
 * Decides how each member of a struct is read.
 * @throws SkepError `SKEP_ERR_BUILD` for an unknown struct or a member that cannot be read.
 */
export function shapeOf(btf: Btf, struct: string, object: string): RecordShape {
  const layout = btf.struct(struct);
  const members = btf.members(struct);
  if (layout === undefined || members === undefined) {
    throw new SkepError("SKEP_ERR_BUILD", `${object}: no struct ${struct} in the object's BTF`, {
      hint: `clang keeps only types that something global refers to: add SKEP_RECORD(${struct}); from skep/record.bpf.h`,
    });
  }
  const fields = members
    .filter((member) => !isPadding(member.name))
    .map((member) => fieldOf(btf, member, `${object}: struct ${struct}, member ${member.name}`));
  refuseEqualNames(fields, `${object}: struct ${struct}`);
  return { layout, fields };
}

function fieldOf(btf: Btf, member: StructMember, where: string): Field {
  if (member.bitfield) throw refused(where, "is a bitfield", "use a whole u8, u16 or u32");
  const shape = shapeOfType(btf, member.type, where);
  const width = shape.kind === "array" ? shape.element.size : shape.kind === "integer" ? shape.size : 1;
  // Wide integers are read as 32-bit words, so an 8-byte one needs no more than the alignment of a word.
  if (width >= 4 && member.offset % 4 !== 0) {
    throw refused(where, `lies unaligned at byte ${member.offset}`, "reorder the members or add padding");
  }
  return { name: camelCase(member.name), member: member.name, offset: member.offset, shape };
}

function shapeOfType(btf: Btf, type: BtfType, where: string): Shape {
  if (type.kind === "int" && type.bool) return { kind: "boolean" };
  if (type.kind !== "array") return integerOf(type, where);
  const element = btf.resolve(type.type);
  if (element.kind === "int" && element.size === 1 && !element.bool) {
    if (element.name === "char") return { kind: "text", size: type.length };
    if (!element.signed) return { kind: "bytes", size: type.length };
  }
  if (element.kind === "array" || element.kind === "struct" || element.kind === "union") {
    throw refused(where, `is an array of ${element.kind}s`, "give each element a member of its own");
  }
  return { kind: "array", element: integerOf(element, where), length: type.length };
}

function integerOf(type: BtfType, where: string): IntegerShape {
  if (type.kind === "ptr") return { kind: "integer", size: 8, signed: false };
  if (type.kind === "enum" && type.values.some(({ value }) => value < 0n || value >= 1n << 31n)) {
    // BTF of clang before 15 does not say whether an enum is signed: the codec would depend on the compiler.
    throw refused(where, `is the enum ${type.name} with values below 0 or past 2^31`, "use a __s32 or __u32");
  }
  if (type.kind === "int" || type.kind === "enum") {
    const { size } = type;
    const signed = type.kind === "int" && type.signed;
    if (size === 1 || size === 2 || size === 4 || size === 8) return { kind: "integer", size, signed };
    throw refused(where, `is an integer of ${size} bytes`, "use a u64");
  }
  throw refused(where, `is a ${type.kind}`, "records hold integers, bool, enums, pointers and arrays of them");
}

function refuseEqualNames(fields: readonly Field[], where: string): void {
  const members = new Map<string, string>();
  for (const field of fields) {
    for (const name of getterNames(field)) {
      const other = RESERVED.has(name) ? "what every codec has" : members.get(name);
      if (other !== undefined) {
        throw refused(
          `${where}, member ${field.member}`,
          `makes the getter ${name}, like ${other}`,
          "rename the member",
        );
      }
      members.set(name, field.member);
    }
  }
}

/** Names a field takes in the codec. */
function getterNames({ name, shape }: Field): readonly string[] {
  const integer = shape.kind === "array" ? shape.element : shape;
  if (integer.kind === "integer" && integer.size === 8) return [name, `${name}Big`];
  return shape.kind === "bytes" ? [name, `${name}At`] : [name];
}

function refused(where: string, what: string, hint: string): SkepError {
  return new SkepError("SKEP_ERR_BUILD", `${where} ${what}`, { hint });
}
