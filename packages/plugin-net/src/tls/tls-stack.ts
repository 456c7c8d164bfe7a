// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import { ElfFile } from "@skep/executables";
import { gnutlsProbes } from "./gnutls.js";
import { goTlsProbes } from "./go-tls.js";
import { opensslProbes } from "./openssl.js";

/** An implementation of TLS that a file holds, and where it is probed. */
export interface TlsStack {
  readonly name: "OpenSSL" | "GnuTLS" | "Go crypto/tls";
  readonly probes: readonly FileProbe[];
}

/**
 * The TLS implementations in a file; none in one that is no ELF file of this machine.
 * @throws RangeError when the file contradicts itself, or an error of node:fs when it cannot be read
 */
export function tlsStacksIn(path: string): readonly TlsStack[] {
  const elf = new ElfFile(path);
  try {
    if (elf.machine !== process.arch) return [];
    const stacks: readonly TlsStack[] = [
      { name: "OpenSSL", probes: opensslProbes(elf) },
      { name: "GnuTLS", probes: gnutlsProbes(elf) },
      { name: "Go crypto/tls", probes: goTlsProbes(elf) },
    ];
    return stacks.filter(({ probes }) => probes.length > 0);
  } finally {
    elf.close();
  }
}
