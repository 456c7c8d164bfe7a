// SPDX-License-Identifier: MIT

import { BoundedReader, malformed } from "./bounded-reader.js";
import type { BtfType, TypeId } from "./types.js";

const MAGIC = 0xeb9f;
const HEADER = 24;
/** Bytes of `struct btf_type`, before what each kind adds. */
const COMMON = 12;

/** Kinds by number, with the bytes each adds to the common head: `fixed`, and `each` times its element count. */
const KINDS = [
  { kind: "void", fixed: 0, each: 0 },
  { kind: "int", fixed: 4, each: 0 },
  { kind: "ptr", fixed: 0, each: 0 },
  { kind: "array", fixed: 12, each: 0 },
  { kind: "struct", fixed: 0, each: 12 },
  { kind: "union", fixed: 0, each: 12 },
  { kind: "enum", fixed: 0, each: 8 },
  { kind: "fwd", fixed: 0, each: 0 },
  { kind: "typedef", fixed: 0, each: 0 },
  { kind: "volatile", fixed: 0, each: 0 },
  { kind: "const", fixed: 0, each: 0 },
  { kind: "restrict", fixed: 0, each: 0 },
  { kind: "func", fixed: 0, each: 0 },
  { kind: "func_proto", fixed: 0, each: 8 },
  { kind: "var", fixed: 4, each: 0 },
  { kind: "datasec", fixed: 0, each: 12 },
  { kind: "float", fixed: 0, each: 0 },
  { kind: "decl_tag", fixed: 4, each: 0 },
  { kind: "type_tag", fixed: 0, each: 0 },
  { kind: "enum64", fixed: 0, each: 12 },
] as const;

/**
 * The types of one BTF section, found by one walk and decoded when asked for:
 * a kernel's BTF has 150,000 of them and a caller wants three.
 */
export class TypeTable {
  private readonly types: BoundedReader;
  private readonly strings: BoundedReader;
  /** Type id -> where it begins. Index 0 is `void`, which has no bytes. */
  private readonly starts: number[] = [-1];
  /** So that a hostile struct cannot have one big type decoded for each of its members. */
  private readonly decoded = new Map<TypeId, BtfType>([[0, { kind: "void" }]]);

  /** @throws SkepError `SKEP_ERR_OBJECT` when the section is malformed or has a kind newer than ENUM64. */
  constructor(section: Uint8Array) {
    const header = new BoundedReader(section, "BTF");
    if (header.u16(0) !== MAGIC) throw malformed("BTF", "it does not begin with the BTF magic (little-endian)");
    const headerLength = header.u32(4);
    if (headerLength < HEADER) throw malformed("BTF", `a header of ${headerLength} bytes`);
    this.types = new BoundedReader(header.slice(headerLength + header.u32(8), header.u32(12)), "BTF types");
    this.strings = new BoundedReader(header.slice(headerLength + header.u32(16), header.u32(20)), "BTF strings");

    for (let at = 0; at < this.types.length;) {
      this.starts.push(at);
      const info = this.types.u32(at + 4);
      const kind = KINDS[kindOf(info)];
      if (kind === undefined || kind.kind === "void") {
        throw malformed("BTF", `type ${this.starts.length - 1} has the unknown kind ${kindOf(info)}`);
      }
      at += COMMON + kind.fixed + kind.each * countOf(info);
      if (at > this.types.length) throw malformed("BTF", `type ${this.starts.length - 1} is cut off`);
    }
  }

  /** Number of types, `void` included: ids are 0 to `size - 1`. */
  get size(): number {
    return this.starts.length;
  }

  /** One type. @throws SkepError `SKEP_ERR_OBJECT` when there is no such id. */
  get(id: TypeId): BtfType {
    let type = this.decoded.get(id);
    if (type === undefined) {
      const start = this.starts[id];
      if (start === undefined) throw malformed("BTF", `it refers to type ${id} of ${this.size}`);
      type = this.decode(start);
      this.decoded.set(id, type);
    }
    return type;
  }

  /** The first type of that kind and name. */
  find(kind: BtfType["kind"], name: string): TypeId | undefined {
    const wanted = Buffer.from(`${name}\0`);
    const id = this.starts.findIndex(
      (start) =>
        start >= 0 &&
        KINDS[kindOf(this.types.u32(start + 4))]?.kind === kind &&
        this.strings.nameIs(this.types.u32(start), wanted),
    );
    return id < 0 ? undefined : id;
  }

  private decode(start: number): BtfType {
    const { types } = this;
    const info = types.u32(start + 4);
    const flag = info >>> 31 === 1;
    const sizeOrType = types.u32(start + 8);
    const body = start + COMMON;
    const name = (): string => this.nameAt(start);
    const each = <T>(size: number, decode: (at: number) => T): T[] =>
      Array.from({ length: countOf(info) }, (_, index) => decode(body + index * size));

    // Every case below reads only what the walk in the constructor proved to be there.
    const kind = KINDS[kindOf(info)]?.kind ?? "void";
    switch (kind) {
      case "void":
        return { kind };
      case "int": {
        const encoding = types.u32(body);
        return {
          kind,
          name: name(),
          size: sizeOrType,
          signed: (encoding & 0x01000000) !== 0,
          bool: (encoding & 0x04000000) !== 0,
          bits: encoding & 0xff,
        };
      }
      case "float":
        return { kind, name: name(), size: sizeOrType };
      case "ptr":
      case "volatile":
      case "const":
      case "restrict":
        return { kind, type: sizeOrType };
      case "typedef":
      case "type_tag":
      case "func":
        return { kind, name: name(), type: sizeOrType };
      case "array":
        return { kind, type: types.u32(body), length: types.u32(body + 8) };
      case "struct":
      case "union": {
        const members = each(12, (at) => {
          const offset = types.u32(at + 8);
          return {
            name: this.nameAt(at),
            type: types.u32(at + 4),
            bitOffset: flag ? offset & 0xffffff : offset,
            bitSize: flag ? offset >>> 24 : 0,
          };
        });
        return { kind, name: name(), size: sizeOrType, members };
      }
      case "enum": {
        const values = each(8, (at) => ({
          name: this.nameAt(at),
          value: BigInt(flag ? types.i32(at + 4) : types.u32(at + 4)),
        }));
        return { kind, name: name(), size: sizeOrType, signed: flag, values };
      }
      case "enum64": {
        const values = each(12, (at) => {
          const high = BigInt(flag ? types.i32(at + 8) : types.u32(at + 8));
          return { name: this.nameAt(at), value: (high << 32n) | BigInt(types.u32(at + 4)) };
        });
        return { kind: "enum", name: name(), size: sizeOrType, signed: flag, values };
      }
      case "fwd":
        return { kind, name: name(), of: flag ? "union" : "struct" };
      case "func_proto": {
        const parameters = each(8, (at) => ({ name: this.nameAt(at), type: types.u32(at + 4) }));
        return { kind, type: sizeOrType, parameters };
      }
      case "var":
        return { kind, name: name(), type: sizeOrType, linkage: types.u32(body) };
      case "datasec": {
        const variables = each(12, (at) => ({
          type: types.u32(at),
          offset: types.u32(at + 4),
          size: types.u32(at + 8),
        }));
        return { kind, name: name(), size: sizeOrType, variables };
      }
      case "decl_tag":
        return { kind, name: name(), type: sizeOrType, component: types.i32(body) };
    }
  }

  private nameAt(at: number): string {
    return this.strings.name(this.types.u32(at));
  }
}

function kindOf(info: number): number {
  return (info >>> 24) & 0x1f;
}

function countOf(info: number): number {
  return info & 0xffff;
}
