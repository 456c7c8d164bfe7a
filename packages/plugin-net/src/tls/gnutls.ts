// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import type { ElfFile } from "@skep/executables";
import { callsTo, type CallProgram, probesOf } from "./places.js";

/**
 * `ssize_t gnutls_record_send(gnutls_session_t, const void *, size_t)` and its kin return the bytes. Some call one another; the
 * innermost call is the one that counts (bpf/tls.bpf.h).
 */
const programs = {
  gnutls_record_send: "tls_write",
  gnutls_record_send2: "tls_write",
  gnutls_record_recv: "tls_read",
  gnutls_record_recv_seq: "tls_read",
  gnutls_handshake: "tls_handshake",
  gnutls_deinit: "tls_free",
} as const satisfies Record<string, CallProgram>;

/** Probes of the GnuTLS in a library or executable; none when it has no GnuTLS. */
export function gnutlsProbes(elf: ElfFile): readonly FileProbe[] {
  const functions = elf.functions(Object.keys(programs));
  if (!functions.has("gnutls_record_send") || !functions.has("gnutls_record_recv")) return [];
  return callsTo(functions, programs).flatMap((call) => probesOf(elf, call));
}
