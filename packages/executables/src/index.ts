// SPDX-License-Identifier: MIT

export { ElfFile, type ElfFunction } from "./elf-file.js";
export { FileCache } from "./file-cache.js";
export type { Stretch } from "./go-line-table.js";
export { type GoCode, GoProgram } from "./go-program.js";
export { emulatedSite, LONGEST_WAY } from "./probe-site.js";
