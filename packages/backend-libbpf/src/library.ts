// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";
import { loadNative, type Libbpf, type Native } from "./ffi.js";
import { withSignalsHeld } from "./signals.js";

/** Oldest libbpf whose functions and behaviour are relied on (Debian 12 has it). */
const OLDEST = [1, 1] as const;
const DEFAULT_NAME = "libbpf.so.1";
/** Record layouts and helper objects are little-endian; these two are built and tried. */
const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

/** libbpf_print_level above which lines are not kept. */
const LIBBPF_INFO = 1;
/** sizeof(va_list): 24 bytes on x86-64, 32 on arm64. */
const VA_LIST = process.arch === "arm64" ? 32 : 24;

/** Libraries of this process (or worker): a log callback takes one of koffi's slots for good, so each has one. */
const loaded = new Map<string, Library>();

/** libbpf, checked, with its log caught. Every call is synchronous. */
export class Library {
  readonly libbpf: Libbpf;
  readonly #print: bigint;
  #lines: string[] = [];

  private constructor(readonly native: Native) {
    this.libbpf = native.libbpf;
    this.#print = native.printCallback((level, format, args) => this.keep(level, format, args));
  }

  /**
   * @param path The shared library; default is `LIBBPF_PATH`, then the system's libbpf.so.1.
   * @throws SkepError `SKEP_ERR_BACKEND_UNAVAILABLE`.
   */
  static load(path = process.env["LIBBPF_PATH"] ?? DEFAULT_NAME): Library {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    if (process.platform !== "linux") {
      throw unavailable(`eBPF needs Linux, this is ${process.platform}`, "use @skep/backend-replay here");
    }
    if (!ARCHITECTURES.includes(process.arch)) {
      throw unavailable(`no support for ${process.arch}`, `supported are ${ARCHITECTURES.join(" and ")}`);
    }
    let native: Native;
    try {
      native = loadNative(path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw unavailable(
        `${path} cannot be loaded: ${reason}`,
        "install libbpf 1.1 or newer (Debian and Ubuntu: package libbpf1), or set LIBBPF_PATH to a libbpf.so",
        cause,
      );
    }
    requireVersion(native.libbpf, path);
    native.libbpf.libbpf_set_print(null);
    const library = new Library(native);
    loaded.set(path, library);
    return library;
  }

  /** Major and minor, such as `1.1`: libbpf does not tell more. */
  get version(): string {
    return `${this.libbpf.libbpf_major_version()}.${this.libbpf.libbpf_minor_version()}`;
  }

  /**
   * Runs a synchronous operation and gives what libbpf printed meanwhile with its result. Nothing reaches stderr.
   * The hook is the process's, so it is set for the operation only; between operations libbpf is mute.
   * So a worker thread that ends leaves no dangling hook behind. Signals wait meanwhile, see {@link withSignalsHeld}.
   */
  logged<T>(operation: () => T): { readonly result: T; readonly printed: readonly string[] } {
    this.libbpf.libbpf_set_print(this.#print);
    this.#lines = [];
    try {
      const result = withSignalsHeld(this.native, operation);
      return { result, printed: this.#lines };
    } finally {
      this.libbpf.libbpf_set_print(null);
    }
  }

  /**
   * Loading an object takes tens of megabytes for the kernel's BTF, which malloc keeps for itself afterwards.
   * Only glibc can be asked to return them; elsewhere they stay.
   */
  giveMemoryBack(): void {
    try {
      this.native.libc.malloc_trim(0);
    } catch {
      // Another C library.
    }
  }

  /** Called by C: must not throw. */
  private keep(level: number, format: bigint, args: bigint): number {
    if (level > LIBBPF_INFO) return 0;
    try {
      // Formatting eats the va_list, so the length is measured on a copy: a verifier's log may have any size.
      const measure = new Uint8Array(this.native.view(args, VA_LIST)).slice();
      const length = this.native.libc.vsnprintf(null, 0, format, measure);
      const line = Buffer.alloc(length + 1);
      this.native.libc.vsnprintf(line, line.length, format, new Uint8Array(this.native.view(args, VA_LIST)));
      this.#lines.push(line.toString("utf8", 0, length));
    } catch {
      this.#lines.push("(a line of libbpf could not be formatted)\n");
    }
    return 0;
  }
}

function requireVersion(libbpf: Libbpf, path: string): void {
  let version: readonly [number, number];
  try {
    version = [libbpf.libbpf_major_version(), libbpf.libbpf_minor_version()];
  } catch (cause) {
    throw unavailable(`${path} is no libbpf, or one older than 0.6`, "install libbpf 1.1 or newer", cause);
  }
  const [major, minor] = version;
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw unavailable(
    `${path} is libbpf ${major}.${minor}, needed is ${OLDEST.join(".")} or newer`,
    "install a newer libbpf beside it and set LIBBPF_PATH to it",
  );
}

const unavailable = (message: string, hint: string, cause?: unknown): SkepError =>
  new SkepError("SKEP_ERR_BACKEND_UNAVAILABLE", `libbpf backend: ${message}`, { phase: "load", hint, cause });
