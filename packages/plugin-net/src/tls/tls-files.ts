// SPDX-License-Identifier: MIT

import { basename } from "node:path";
import { type FileProbe, type FileProbes, type Logger, type MappedFile, messageOf } from "@skep/core";
import { FileCache } from "@skep/executables";
import { tlsStacksIn } from "./tls-stack.js";

/** `libssl.so.3`, and with a hash as Python wheels carry it: `libssl-81ffa89e.so.1.1`. */
const libraries = /^lib(ssl|gnutls)[-.\w]*\.so(\.|$)/;

/** Which files hold an implementation of TLS, and where in them plaintext passes: what {@link attachToFiles} asks. */
export class TlsFiles implements FileProbes {
  readonly what = "TLS libraries";
  readonly #known = new FileCache<readonly FileProbe[]>();

  constructor(private readonly log: Logger) {}

  wanted(path: string, isProgram: boolean): boolean {
    return isProgram || libraries.test(basename(path));
  }

  probesFor({ openPath, path }: MappedFile): readonly FileProbe[] {
    return this.#known.get(openPath, () => this.#read(openPath, path)) ?? [];
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
