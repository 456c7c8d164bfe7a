// SPDX-License-Identifier: MIT

/** Writes BTF and ELF by hand, so that the readers are not tested against themselves or a compiler's mood. */

const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  typedef: 8,
  volatile: 9,
  const: 10,
  var: 14,
  datasec: 15,
};

export class BtfBuilder {
  private readonly types: number[] = [];
  private strings = "\0";
  private count = 0;

  name(text: string): number {
    const at = this.strings.length;
    this.strings += `${text}\0`;
    return at;
  }

  int(name: string, size: number, encoding = 0): number {
    return this.add(name, KIND.int, 0, size, [(encoding << 24) | (size * 8)]);
  }

  array(type: number, length: number): number {
    return this.add("", KIND.array, 0, 0, [type, type, length]);
  }

  modifier(kind: "const" | "volatile" | "typedef" | "ptr", type: number, name = ""): number {
    return this.add(name, KIND[kind], 0, type, []);
  }

  /** `members`: name, type, bit offset, bitfield width. */
  composite(
    kind: "struct" | "union",
    name: string,
    size: number,
    members: readonly (readonly [name: string, type: number, bitOffset: number, bits?: number])[],
  ): number {
    const bitfields = members.some((member) => member[3] !== undefined);
    const words = members.flatMap(([member, type, bitOffset, bits = 0]) => [
      this.name(member),
      type,
      bitOffset | (bits << 24),
    ]);
    return this.add(name, KIND[kind], members.length, size, words, bitfields);
  }

  variable(name: string, type: number): number {
    return this.add(name, KIND.var, 0, type, [1]);
  }

  dataSection(name: string, variables: readonly (readonly [variable: number, offset: number, size: number])[]): number {
    return this.add(name, KIND.datasec, variables.length, 0, variables.flat());
  }

  /** Any type at all. Returns its id. */
  add(
    name: string,
    kind: number,
    elements: number,
    sizeOrType: number,
    words: readonly number[],
    flag = false,
  ): number {
    const nameAt = name === "" ? 0 : this.name(name);
    this.types.push(nameAt, ((flag ? 1 << 31 : 0) | (kind << 24) | elements) >>> 0, sizeOrType, ...words);
    return ++this.count;
  }

  build(): Uint8Array {
    const typeBytes = this.types.length * 4;
    const header = [0, 24, 0, typeBytes, typeBytes, this.strings.length];
    const words = Uint32Array.from([...header, ...this.types]);
    words[0] = 0x0001eb9f;
    return Buffer.concat([new Uint8Array(words.buffer), Buffer.from(this.strings, "latin1")]);
  }
}

export interface SectionSpec {
  readonly name: string;
  readonly type?: number;
  readonly link?: number;
  readonly bytes: Uint8Array;
}

/** An ELF64 file with these sections after the null section, and `.shstrtab` at the end. */
export function buildElf(sections: readonly SectionSpec[]): Uint8Array {
  const names = `\0${[...sections.map((section) => section.name), ".shstrtab"].join("\0")}\0`;
  const all: readonly SectionSpec[] = [...sections, { name: ".shstrtab", type: 3, bytes: Buffer.from(names) }];
  const headerTable = 64;
  const contentAt = headerTable + (all.length + 1) * 64;
  const file = Buffer.alloc(contentAt + all.reduce((sum, section) => sum + section.bytes.length, 0));
  file.writeUInt32BE(0x7f454c46, 0);
  file.set([2, 1, 1], 4);
  file.writeBigUInt64LE(BigInt(headerTable), 0x28);
  file.writeUInt16LE(64, 0x3a);
  file.writeUInt16LE(all.length + 1, 0x3c);
  file.writeUInt16LE(all.length, 0x3e);
  let at = contentAt;
  all.forEach((section, index) => {
    const header = headerTable + (index + 1) * 64;
    file.writeUInt32LE(names.indexOf(`\0${section.name}\0`) + 1, header);
    file.writeUInt32LE(section.type ?? 1, header + 4);
    file.writeBigUInt64LE(BigInt(at), header + 24);
    file.writeBigUInt64LE(BigInt(section.bytes.length), header + 32);
    file.writeUInt32LE(section.link ?? 0, header + 40);
    file.set(section.bytes, at);
    at += section.bytes.length;
  });
  return file;
}
