// SPDX-License-Identifier: MIT

export interface FakeSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Default STT_FUNC. */
  readonly type?: number;
  /** Default 1; 0 is a function that the file only uses. */
  readonly section?: number;
}

/** Where the one loaded segment lies. */
export const segment = { offset: 0x100n, address: 0x401000n, size: 0x4000n } as const;

/** A 64-bit ELF file with a program header and up to two symbol tables, and nothing else in it. */
export function elfFile(dynsym: readonly FakeSymbol[], symtab: readonly FakeSymbol[] = []): Uint8Array {
  const tables = [
    { type: 11, symbols: dynsym },
    { type: 2, symbols: symtab },
  ];
  const parts: Buffer[] = [];
  let size = 0x5000;
  const add = (part: Buffer) => {
    parts.push(part);
    const at = size;
    size += part.length;
    return at;
  };
  const headers: Buffer[] = [Buffer.alloc(64)];
  for (const { type, symbols } of tables) {
    const names = Buffer.from(`\0${symbols.map(({ name }) => `${name}\0`).join("")}`);
    const table = Buffer.alloc(24 * symbols.length);
    let nameAt = 1;
    symbols.forEach(({ name, address, type: kind = 2, section = 1 }, index) => {
      table.writeUInt32LE(nameAt, index * 24);
      table.writeUInt8(0x10 | kind, index * 24 + 4);
      table.writeUInt16LE(section, index * 24 + 6);
      table.writeBigUInt64LE(address, index * 24 + 8);
      nameAt += Buffer.byteLength(name) + 1;
    });
    headers.push(sectionHeader(type, headers.length + 1, add(table), table.length));
    headers.push(sectionHeader(3, 0, add(names), names.length));
  }
  const sections = add(Buffer.concat(headers));
  const file = Buffer.alloc(0x5000);
  file.writeUInt32LE(0x464c457f, 0);
  file.writeUInt8(2, 4);
  file.writeUInt8(1, 5);
  file.writeBigUInt64LE(64n, 0x20);
  file.writeBigUInt64LE(BigInt(sections), 0x28);
  file.writeUInt16LE(1, 0x38);
  file.writeUInt16LE(headers.length, 0x3c);
  file.writeUInt32LE(1, 64);
  file.writeBigUInt64LE(segment.offset, 64 + 8);
  file.writeBigUInt64LE(segment.address, 64 + 16);
  file.writeBigUInt64LE(segment.size, 64 + 32);
  return Buffer.concat([file, ...parts]);
}

function sectionHeader(type: number, link: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(type, 4);
  header.writeBigUInt64LE(BigInt(offset), 24);
  header.writeBigUInt64LE(BigInt(size), 32);
  header.writeUInt32LE(link, 40);
  return header;
}
