// SPDX-License-Identifier: MIT

/** Bytes of a section header and of a symbol. */
const SECTION_HEADER = 64;
const SYMBOL = 24;
const ELF_HEADER = 64;
const ET_REL = 1;
const EM_BPF = 247;
const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3 } as const;
const SHF_ALLOC_EXEC = 6;
/** STB_GLOBAL, STT_FUNC. */
const GLOBAL_FUNCTION = 0x12;

export const MINIMAL_PROGRAM = "skep_probe";

/**
 * A BPF object with one program that returns `result` and does nothing else: what a probe loads to find out
 * whether a kind of program works here, by the same way as a plugin's. Makes no use of a compiler or of BTF.
 *
 * @param section Names the program's kind to libbpf, such as `tp_btf/sched_switch`.
 */
export function minimalObject(section: string, result: 0 | 1): Uint8Array {
  const names = `\0${section}\0license\0.symtab\0.strtab\0${MINIMAL_PROGRAM}\0`;
  const nameAt = (name: string) => names.indexOf(`\0${name}\0`) + 1;
  const program = Buffer.alloc(16);
  program.set([0xb7, 0, 0, 0, result, 0, 0, 0, 0x95]); // r0 = result; exit
  const symbols = Buffer.alloc(2 * SYMBOL);
  symbols.writeUInt32LE(nameAt(MINIMAL_PROGRAM), SYMBOL);
  symbols.writeUInt8(GLOBAL_FUNCTION, SYMBOL + 4);
  symbols.writeUInt16LE(1, SYMBOL + 6);
  symbols.writeBigUInt64LE(BigInt(program.length), SYMBOL + 16);

  const sections = [
    { name: "", type: SHT.NULL, bytes: Buffer.alloc(0) },
    { name: section, type: SHT.PROGBITS, flags: SHF_ALLOC_EXEC, bytes: program },
    { name: "license", type: SHT.PROGBITS, bytes: Buffer.from("GPL\0") },
    { name: ".symtab", type: SHT.SYMTAB, link: 4, info: 1, entry: SYMBOL, bytes: symbols },
    { name: ".strtab", type: SHT.STRTAB, bytes: Buffer.from(names, "latin1") },
  ];

  const headers = Buffer.alloc(sections.length * SECTION_HEADER);
  const contents: Buffer[] = [];
  let end = ELF_HEADER;
  sections.forEach(({ name, type, flags = 0, link = 0, info = 0, entry = 0, bytes }, index) => {
    const at = index * SECTION_HEADER;
    headers.writeUInt32LE(name === "" ? 0 : nameAt(name), at);
    headers.writeUInt32LE(type, at + 4);
    headers.writeBigUInt64LE(BigInt(flags), at + 8);
    headers.writeBigUInt64LE(BigInt(end), at + 24);
    headers.writeBigUInt64LE(BigInt(bytes.length), at + 32);
    headers.writeUInt32LE(link, at + 40);
    headers.writeUInt32LE(info, at + 44);
    headers.writeBigUInt64LE(8n, at + 48);
    headers.writeBigUInt64LE(BigInt(entry), at + 56);
    const padded = Buffer.alloc((bytes.length + 7) & ~7);
    bytes.copy(padded);
    contents.push(padded);
    end += padded.length;
  });

  const elf = Buffer.alloc(ELF_HEADER);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  elf.writeUInt16LE(ET_REL, 16);
  elf.writeUInt16LE(EM_BPF, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(end), 40);
  elf.writeUInt16LE(ELF_HEADER, 52);
  elf.writeUInt16LE(SECTION_HEADER, 58);
  elf.writeUInt16LE(sections.length, 60);
  elf.writeUInt16LE(4, 62);
  return Buffer.concat([elf, ...contents, headers]);
}
