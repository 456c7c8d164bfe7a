// SPDX-License-Identifier: MIT

import type { Layout } from "../codec.js";
import { malformed } from "./bounded-reader.js";
import { readElfSections, readElfSymbols } from "./elf.js";
import { TypeTable } from "./type-table.js";
import type { BtfComposite, BtfType, TypeId } from "./types.js";

/** Modifiers, arrays and inner structs nest at most this deep; the kernel allows 32. */
const DEEPEST = 64;
/** Characters of the dotted names of inner structs. */
const LONGEST_PREFIX = 1024;
/** No struct of a kernel comes near; a hostile one doubles its members at each level. */
const MOST_MEMBERS = 65_536;

/** A member of a struct that is no struct itself. */
export interface StructMember {
  /** Inner named structs are walked into and their names joined by dots, `tuple.port`; anonymous ones leave no trace. */
  readonly name: string;
  /** Bytes from the start of the outermost struct. */
  readonly offset: number;
  /** Bytes; an array's is that of all its elements, a bitfield's the bytes it touches. */
  readonly size: number;
  readonly bitfield: boolean;
  /** Typedefs and qualifiers taken off. */
  readonly type: BtfType;
}

/** A global variable in a data section; bytes from the section's start. */
export interface DataVariable {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Types of one BPF object or kernel. Pure data: nothing here asks the kernel. */
export class Btf {
  /** @param variableOffsets `section/variable` -> offset, see {@link readObjectBtf}. */
  constructor(
    private readonly types: TypeTable,
    private readonly variableOffsets: ReadonlyMap<string, number> = new Map(),
  ) {}

  /** Layout of a struct with its members as {@link members} gives them; undefined when there is no such struct. */
  struct(name: string): Layout | undefined {
    const type = this.composite(name);
    if (type === undefined) return undefined;
    const fields = this.membersOf(type).map(({ name, offset, size }) => ({ name, offset, size }));
    return { struct: name, size: type.size, fields };
  }

  /** Members of a struct in the order of their declaration; undefined when there is no such struct. */
  members(name: string): readonly StructMember[] | undefined {
    const type = this.composite(name);
    return type === undefined ? undefined : this.membersOf(type);
  }

  /** Variables of a data section (`.rodata`, `.data`, `.bss`); undefined when there is no such section. */
  dataSection(name: string): readonly DataVariable[] | undefined {
    const id = this.types.find("datasec", name);
    const section = id === undefined ? undefined : this.type(id);
    if (section?.kind !== "datasec") return undefined;
    return section.variables.map((entry) => {
      const variable = this.type(entry.type);
      if (variable.kind !== "var") throw malformed("BTF", `${name} holds a ${variable.kind} instead of a variable`);
      const offset = this.variableOffsets.get(`${name}/${variable.name}`) ?? entry.offset;
      return { name: variable.name, offset, size: entry.size };
    });
  }

  /** One type by its id. @throws SkepError `SKEP_ERR_OBJECT` when there is no such id. */
  type(id: TypeId): BtfType {
    return this.types.get(id);
  }

  /** Number of types, `void` (id 0) included. */
  get typeCount(): number {
    return this.types.size;
  }

  /** The type behind typedefs and qualifiers. */
  resolve(id: TypeId): BtfType {
    let type = this.type(id);
    for (let depth = 0; depth < DEEPEST; depth++) {
      switch (type.kind) {
        case "typedef":
        case "type_tag":
        case "volatile":
        case "const":
        case "restrict":
          type = this.type(type.type);
          break;
        default:
          return type;
      }
    }
    throw malformed("BTF", `type ${id} is a chain of more than ${DEEPEST} typedefs`);
  }

  /** sizeof, bytes; 0 for types that have none, such as functions. */
  sizeOf(type: BtfType): number {
    let elements = 1;
    for (let depth = 0; depth < DEEPEST; depth++) {
      switch (type.kind) {
        case "array":
          elements *= type.length;
          type = this.resolve(type.type);
          break;
        case "ptr":
          return 8 * elements;
        case "int":
        case "float":
        case "enum":
        case "struct":
        case "union":
          return type.size * elements;
        default:
          return 0;
      }
    }
    throw malformed("BTF", `an array of more than ${DEEPEST} dimensions`);
  }

  private composite(name: string): BtfComposite | undefined {
    const id = this.types.find("struct", name);
    const type = id === undefined ? undefined : this.type(id);
    return type?.kind === "struct" ? type : undefined;
  }

  private membersOf(outermost: BtfComposite): readonly StructMember[] {
    const found: StructMember[] = [];
    let visits = 0;
    const walk = (composite: BtfComposite, base: number, prefix: string, depth: number): void => {
      if (depth > DEEPEST || prefix.length > LONGEST_PREFIX) {
        throw malformed("BTF", `struct ${outermost.name} nests deeper than ${DEEPEST}`);
      }
      for (const member of composite.members) {
        if (++visits > MOST_MEMBERS) {
          throw malformed("BTF", `struct ${outermost.name} has more than ${MOST_MEMBERS} members`);
        }
        const type = this.resolve(member.type);
        const name = prefix + member.name;
        const bitOffset = base + member.bitOffset;
        if (type.kind === "struct" || type.kind === "union") {
          walk(type, bitOffset, member.name === "" ? prefix : `${name}.`, depth + 1);
          continue;
        }
        // Old compilers put a bitfield's width into its integer type.
        const bits = member.bitSize !== 0 ? member.bitSize : type.kind === "int" ? type.bits : 0;
        const bitfield = member.bitSize !== 0 || (type.kind === "int" && bits !== type.size * 8);
        const offset = Math.floor(bitOffset / 8);
        const size = bitfield ? Math.ceil(((bitOffset % 8) + bits) / 8) : this.sizeOf(type);
        found.push({ name, offset, size, bitfield, type });
      }
    };
    walk(outermost, 0, "", 0);
    return found;
  }
}

/**
 * Reads a `.BTF` section, or `/sys/kernel/btf/vmlinux`. Bytes past what its header describes are ignored.
 * For the offsets of globals in an object file use {@link readObjectBtf}: there the section alone does not have them.
 * @throws SkepError `SKEP_ERR_OBJECT` when it is malformed; methods of the result throw the same for what is found later.
 */
export function parseBtf(section: Uint8Array): Btf {
  return new Btf(new TypeTable(section));
}

/**
 * Reads the BTF of a compiled BPF object (ELF).
 * Compilers leave the offsets of globals to the linker or loader, so they are taken from the symbol table, as libbpf does.
 * @throws SkepError `SKEP_ERR_OBJECT` when the object is malformed or was compiled without BTF (`-g`).
 */
export function readObjectBtf(object: Uint8Array): Btf {
  const section = readElfSections(object).get(".BTF");
  if (section === undefined) throw malformed("BPF object", "it has no .BTF section; compile it with -g");
  const offsets = new Map(readElfSymbols(object).map((symbol) => [`${symbol.section}/${symbol.name}`, symbol.offset]));
  return new Btf(new TypeTable(section), offsets);
}
