// SPDX-License-Identifier: MIT

import { statSync } from "node:fs";
import { basename } from "node:path";
import { type FileProbe, type FileProbes, type Logger, type MappedFile, messageOf } from "@skep/core";
import { tlsStacksIn } from "./tls-stack.js";

/** `libssl.so.3`, and with a hash as Python wheels carry it: `libssl-81ffa89e.so.1.1`. */
const libraries = /^lib(ssl|gnutls)[-.\w]*\.so(\.|$)/;
/** Files remembered, whether they hold TLS or not: a host runs far fewer programs. */
const maxFiles = 4_096;

/** Which files hold an implementation of TLS, and where in them plaintext passes: what {@link attachToFiles} asks. */
export class TlsFiles implements FileProbes {
  readonly what = "TLS libraries";
  /** By what tells a file's content from another's: a file is read once, however many processes run it. */
  readonly #known = new Map<string, readonly FileProbe[]>();

  constructor(private readonly log: Logger) {}

  wanted(path: string, isProgram: boolean): boolean {
    return isProgram || libraries.test(basename(path));
  }

  probesFor({ openPath, path }: MappedFile): readonly FileProbe[] {
    const stat = statSync(openPath, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return []; // the process is gone
    const key = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
    let probes = this.#known.get(key);
    if (probes === undefined) {
      if (this.#known.size >= maxFiles) this.#known.clear();
      this.#known.set(key, (probes = this.#read(openPath, path)));
    }
    return probes;
  }

  attached({ pid, path }: MappedFile, probes: number): void {
    this.log.debug({ event: "tls-probed", pid, path, probes }, `${path} has probes in process ${pid}`);
  }

  #read(openPath: string, path: string): readonly FileProbe[] {
    try {
      const stacks = tlsStacksIn(openPath);
      if (stacks.length > 0) {
        const names = stacks.map(({ name }) => name);
        this.log.debug({ event: "tls-library", path, stacks: names }, `${path} holds ${names.join(" and ")}`);
      }
      return stacks.flatMap(({ probes }) => probes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.log.warn({ event: "tls-unsupported", path, reason: messageOf(error) }, `${path}: its TLS is not observed`);
      return [];
    }
  }
}
