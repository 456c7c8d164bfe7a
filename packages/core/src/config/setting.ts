// SPDX-License-Identifier: MIT

/** One key with one value, and where it was written. */
export interface Setting {
  readonly key: string;
  readonly value: unknown;
  /** The value is text from a variable or flag, still to be read as the type the key has. */
  readonly isText: boolean;
  /** For messages: `ebpf.conf:12`, `ENV_INPUT_EBPF_INTERVAL`, `--interval`. */
  readonly where: string;
  /** Files are held to stricter limits than flags. */
  readonly source: "file" | "args" | "environment" | "flags";
  /** Key of the table it stands in, when that is one of a plugin's own. */
  readonly table?: string;
}
