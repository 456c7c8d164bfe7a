// SPDX-License-Identifier: MIT
export * from "./btf.js";
export { readElfSections, readElfSymbols, type ElfSymbol } from "./elf.js";
export type * from "./types.js";
