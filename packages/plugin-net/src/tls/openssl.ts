// SPDX-License-Identifier: MIT

import type { FileProbe } from "@skep/core";
import type { ElfFile, ElfFunction } from "@skep/executables";
import { type Call, callsTo, cheapSite, type CallProgram, probesOf } from "./places.js";

/**
 * OpenSSL 1.1 and 3, LibreSSL and BoringSSL where their symbols are left: `int SSL_read(SSL *, void *, int)` returns the bytes,
 * `int SSL_read_ex(SSL *, void *, size_t, size_t *)` returns 1 and tells the bytes by pointer.
 * SSL_connect and SSL_accept call SSL_do_handshake, but a compiler may have made copies of it.
 */
const programs = {
  SSL_read: "tls_read",
  SSL_read_ex: "tls_read_ex",
  SSL_write: "tls_write",
  SSL_write_ex: "tls_write_ex",
  SSL_write_ex2: "tls_write_ex2",
  SSL_do_handshake: "tls_handshake",
  SSL_connect: "tls_handshake",
  SSL_accept: "tls_handshake",
  SSL_free: "tls_free",
} as const satisfies Record<string, CallProgram>;

/** Probes of the OpenSSL in a library or executable; none when it has no OpenSSL. */
export function opensslProbes(elf: ElfFile): readonly FileProbe[] {
  const functions = elf.functions(Object.keys(programs));
  if (!functions.has("SSL_read") || !functions.has("SSL_write")) return [];
  const reads = throughInternal(elf, functions, ["SSL_read", "SSL_read_ex"], "tls_read_ex");
  // Since SSL_write_ex2 exists (3.2), SSL_write_ex calls that, and the internal function has its arguments.
  const writes = functions.has("SSL_write_ex2")
    ? throughInternal(elf, functions, ["SSL_write", "SSL_write_ex2"], "tls_write_ex2")
    : throughInternal(elf, functions, ["SSL_write", "SSL_write_ex"], "tls_write_ex");
  const replaced = [...(reads ? ["SSL_read", "SSL_read_ex"] : [])];
  if (writes) replaced.push("SSL_write", "SSL_write_ex", "SSL_write_ex2");
  const rest = new Map([...functions].filter(([name]) => !replaced.includes(name)));
  const calls = [...callsTo(rest, programs), ...(reads ? [reads] : []), ...(writes ? [writes] : [])];
  return calls.flatMap((call) => probesOf(elf, call));
}

/**
 * SSL_read and SSL_read_ex are thin coats of ssl_read_internal, which has the latter's arguments, and likewise for writing.
 * As distributions compile them, the coats begin with an instruction the kernel cannot emulate, the internal ones with one it
 * can, so a probe there costs a fraction. They have no symbol, but both coats call them and nothing else in common. Undefined
 * when the coats are cheap to probe, or the internal function cannot be told for certain.
 */
function throughInternal(
  elf: ElfFile,
  functions: ReadonlyMap<string, ElfFunction>,
  coats: readonly [string, string],
  program: CallProgram,
): Call | undefined {
  const [coat, coatEx] = coats.map((name) => functions.get(name));
  if (elf.machine !== "x64" || coat === undefined || coatEx === undefined) return undefined;
  const isCheap = [coat, coatEx].every(({ address }) => cheapSite(elf, program, address) !== undefined);
  if (isCheap) return undefined;
  const others = calleesOf(elf, coatEx);
  const shared = calleesOf(elf, coat).filter((address) => others.includes(address));
  const address = shared.length === 1 ? shared[0]! : undefined;
  return address !== undefined && cheapSite(elf, program, address) !== undefined ? { program, address } : undefined;
}

const CALL = 0xe8;
const CALL_LENGTH = 5;
/** Compilers begin functions at multiples of this; what is read as a call but is none rarely leads there, and never twice. */
const FUNCTION_ALIGNMENT = 16;

/** Functions of the same section that a function calls directly. */
function calleesOf(elf: ElfFile, { address, size }: ElfFunction): readonly number[] {
  const code = elf.bytesAt(address, Math.min(size, 1024));
  const text = elf.rangeOf(".text");
  const callees = new Set<number>();
  for (let at = 0; at + CALL_LENGTH <= code.length; at++) {
    if (code[at] !== CALL) continue;
    const callee = address + at + CALL_LENGTH + code.readInt32LE(at + 1);
    const isFunction = text && callee >= text.start && callee < text.end && callee % FUNCTION_ALIGNMENT === 0;
    if (isFunction) callees.add(callee);
  }
  return [...callees];
}
