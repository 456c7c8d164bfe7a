// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import { readElfSections, readObjectBtf, type Btf } from "@skep/core";

const images = new WeakMap<Uint8Array, ObjectImage>();

/** The file side of a BPF object: what can be read from its bytes without the kernel or libbpf. Parsed once, on demand. */
export class ObjectImage {
  #hash: string | undefined;
  #btf: Btf | undefined;

  private constructor(readonly bytes: Uint8Array) {}

  /** The same bytes give the same image, as long as somebody holds them. */
  static of(bytes: Uint8Array): ObjectImage {
    const known = images.get(bytes) ?? new ObjectImage(bytes);
    images.set(bytes, known);
    return known;
  }

  get hash(): string {
    return (this.#hash ??= createHash("sha256").update(this.bytes).digest("hex"));
  }

  get btf(): Btf {
    return (this.#btf ??= readObjectBtf(this.bytes));
  }

  /** Instructions of functions that were not inlined. */
  get functions(): Uint8Array | undefined {
    return readElfSections(this.bytes).get(".text");
  }

  /** Names of the kernel functions it may call: the functions among the externs of `.ksyms`. */
  get kfuncs(): readonly string[] {
    const names: string[] = [];
    for (let id = 1; id < this.btf.typeCount; id++) {
      const section = this.btf.type(id);
      if (section.kind !== "datasec" || section.name !== ".ksyms") continue;
      for (const { type } of section.variables) {
        const extern = this.btf.type(type);
        if (extern.kind === "func") names.push(extern.name);
      }
    }
    return names;
  }
}
