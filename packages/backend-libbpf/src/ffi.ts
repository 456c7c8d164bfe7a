// SPDX-License-Identifier: MIT

// The only file beside poll.ts that knows koffi: `node:ffi` may take its place one day.
import koffi, { type KoffiFunc } from "koffi";

declare const pointee: unique symbol;
/** Address of a C object. koffi's pointers carry no type, so TypeScript's do. */
export type Pointer<T extends string> = bigint & { readonly [pointee]: T };

export type ObjectPointer = Pointer<"bpf_object">;
export type ProgramPointer = Pointer<"bpf_program">;
export type MapPointer = Pointer<"bpf_map">;
export type LinkPointer = Pointer<"bpf_link">;
export type BtfPointer = Pointer<"btf">;
/** Address of plain bytes. */
export type Address = Pointer<"bytes">;
/** Bytes lent to C for the length of one call. */
type Bytes = Uint8Array | Uint32Array | Int32Array | null;

/**
 * The C functions Skep calls. Functions that return `int` give a negative errno when they fail,
 * those that return a pointer give null and set {@link Native.errno}.
 */
export interface Libbpf {
  libbpf_major_version(): number;
  libbpf_minor_version(): number;
  libbpf_set_print(callback: bigint | null): bigint | null;
  libbpf_num_possible_cpus(): number;
  libbpf_bpf_map_type_str(type: number): string | null;
  libbpf_bpf_prog_type_str(type: number): string | null;
  libbpf_attach_type_by_name(section: string, type: Int32Array): number;
  libbpf_probe_bpf_map_type(type: number, options: null): number;
  libbpf_probe_bpf_prog_type(type: number, options: null): number;
  libbpf_probe_bpf_helper(programType: number, helper: number, options: null): number;

  btf__load_vmlinux_btf(): BtfPointer | null;
  btf__find_by_name(btf: BtfPointer, name: string): number;
  btf__free(btf: BtfPointer): void;

  bpf_object__open_mem(bytes: Uint8Array, length: number, options: object): ObjectPointer | null;
  bpf_object__load(object: ObjectPointer): number;
  bpf_object__close(object: ObjectPointer): void;
  bpf_object__next_program(object: ObjectPointer, previous: ProgramPointer | null): ProgramPointer | null;
  bpf_object__next_map(object: ObjectPointer, previous: MapPointer | null): MapPointer | null;
  bpf_object__find_map_by_name(object: ObjectPointer, name: string): MapPointer | null;

  bpf_program__name(program: ProgramPointer): string;
  bpf_program__section_name(program: ProgramPointer): string;
  bpf_program__type(program: ProgramPointer): number;
  bpf_program__expected_attach_type(program: ProgramPointer): number;
  bpf_program__insns(program: ProgramPointer): Address;
  bpf_program__insn_cnt(program: ProgramPointer): number;
  bpf_program__fd(program: ProgramPointer): number;
  bpf_program__set_autoload(program: ProgramPointer, autoload: boolean): number;
  bpf_program__set_attach_target(program: ProgramPointer, attachProgramFd: number, fn: string): number;
  bpf_program__attach_trace(program: ProgramPointer): LinkPointer | null;
  bpf_program__attach_raw_tracepoint(program: ProgramPointer, event: string): LinkPointer | null;
  bpf_program__attach_tracepoint(program: ProgramPointer, category: string, event: string): LinkPointer | null;
  bpf_program__attach_kprobe(program: ProgramPointer, onReturn: boolean, fn: string): LinkPointer | null;
  bpf_program__attach_uprobe_opts(
    program: ProgramPointer,
    pid: number,
    path: string,
    offset: bigint,
    options: object,
  ): LinkPointer | null;
  bpf_program__attach_iter(program: ProgramPointer, options: object | null): LinkPointer | null;
  bpf_link__fd(link: LinkPointer): number;
  bpf_link__destroy(link: LinkPointer): number;

  bpf_map__name(map: MapPointer): string;
  bpf_map__is_internal(map: MapPointer): boolean;
  bpf_map__type(map: MapPointer): number;
  bpf_map__key_size(map: MapPointer): number;
  bpf_map__value_size(map: MapPointer): number;
  bpf_map__max_entries(map: MapPointer): number;
  bpf_map__set_max_entries(map: MapPointer, entries: number): number;
  bpf_map__initial_value(map: MapPointer, size: BigUint64Array): Address | null;
  bpf_map__fd(map: MapPointer): number;
  bpf_map__reuse_fd(map: MapPointer, fd: number): number;

  bpf_link_create(programFd: number, targetFd: number, attachType: number, options: null): number;
  bpf_iter_create(linkFd: number): number;
  bpf_enable_stats(type: number): number;
  bpf_obj_get_info_by_fd(fd: number, info: Uint8Array, length: Uint32Array): number;
  bpf_map_lookup_elem(fd: number, key: Bytes, value: Bytes): number;
  bpf_map_update_elem(fd: number, key: Bytes, value: Bytes, flags: number): number;
  bpf_map_delete_elem(fd: number, key: Bytes): number;
  bpf_map_get_next_key(fd: number, key: Bytes, next: Bytes): number;
  bpf_map_lookup_batch: BatchCall;
  bpf_map_lookup_and_delete_batch: BatchCall;
}

/** `from` and `to` are the kernel's bookmark; `count` holds the room on the way in and the entries on the way out. */
export type BatchCall = (
  fd: number,
  from: Bytes,
  to: Bytes,
  keys: Bytes,
  values: Bytes,
  count: Uint32Array,
  options: null,
) => number;

interface Libc {
  capset(header: Uint8Array, sets: Uint8Array): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  getpagesize(): number;
  /** glibc only: a missing function throws when it is called. */
  malloc_trim(pad: number): number;
  mmap(address: bigint | null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  pthread_sigmask(how: number, set: Uint8Array, before: Uint8Array | null): number;
  sigfillset(set: Uint8Array): number;
  vsnprintf(buffer: Uint8Array | null, size: number, format: bigint, args: Uint8Array): number;
}

type Signatures<T> = { readonly [name in keyof T]: readonly [result: string, parameters: readonly string[]] };

const pointer = "void *";
const text = "const char *";

const libbpfSignatures: Signatures<Libbpf> = {
  libbpf_major_version: ["uint32_t", []],
  libbpf_minor_version: ["uint32_t", []],
  libbpf_set_print: [pointer, [pointer]],
  libbpf_num_possible_cpus: ["int", []],
  libbpf_bpf_map_type_str: [text, ["int"]],
  libbpf_bpf_prog_type_str: [text, ["int"]],
  libbpf_attach_type_by_name: ["int", [text, pointer]],
  libbpf_probe_bpf_map_type: ["int", ["int", pointer]],
  libbpf_probe_bpf_prog_type: ["int", ["int", pointer]],
  libbpf_probe_bpf_helper: ["int", ["int", "int", pointer]],

  btf__load_vmlinux_btf: [pointer, []],
  btf__find_by_name: ["int", [pointer, text]],
  btf__free: ["void", [pointer]],

  bpf_object__open_mem: [pointer, [pointer, "size_t", "object_options"]],
  bpf_object__load: ["int", [pointer]],
  bpf_object__close: ["void", [pointer]],
  bpf_object__next_program: [pointer, [pointer, pointer]],
  bpf_object__next_map: [pointer, [pointer, pointer]],
  bpf_object__find_map_by_name: [pointer, [pointer, text]],

  bpf_program__name: [text, [pointer]],
  bpf_program__section_name: [text, [pointer]],
  bpf_program__type: ["int", [pointer]],
  bpf_program__expected_attach_type: ["int", [pointer]],
  bpf_program__insns: [pointer, [pointer]],
  bpf_program__insn_cnt: ["size_t", [pointer]],
  bpf_program__fd: ["int", [pointer]],
  bpf_program__set_autoload: ["int", [pointer, "bool"]],
  bpf_program__set_attach_target: ["int", [pointer, "int", text]],
  bpf_program__attach_trace: [pointer, [pointer]],
  bpf_program__attach_raw_tracepoint: [pointer, [pointer, text]],
  bpf_program__attach_tracepoint: [pointer, [pointer, text, text]],
  bpf_program__attach_kprobe: [pointer, [pointer, "bool", text]],
  bpf_program__attach_uprobe_opts: [pointer, [pointer, "int", text, "size_t", "uprobe_options"]],
  bpf_program__attach_iter: [pointer, [pointer, "iter_options"]],
  bpf_link__fd: ["int", [pointer]],
  bpf_link__destroy: ["int", [pointer]],

  bpf_map__name: [text, [pointer]],
  bpf_map__is_internal: ["bool", [pointer]],
  bpf_map__type: ["int", [pointer]],
  bpf_map__key_size: ["uint32_t", [pointer]],
  bpf_map__value_size: ["uint32_t", [pointer]],
  bpf_map__max_entries: ["uint32_t", [pointer]],
  bpf_map__set_max_entries: ["int", [pointer, "uint32_t"]],
  bpf_map__initial_value: [pointer, [pointer, pointer]],
  bpf_map__fd: ["int", [pointer]],
  bpf_map__reuse_fd: ["int", [pointer, "int"]],

  bpf_link_create: ["int", ["int", "int", "int", pointer]],
  bpf_iter_create: ["int", ["int"]],
  bpf_enable_stats: ["int", ["int"]],
  bpf_obj_get_info_by_fd: ["int", ["int", pointer, pointer]],
  bpf_map_lookup_elem: ["int", ["int", pointer, pointer]],
  bpf_map_update_elem: ["int", ["int", pointer, pointer, "uint64_t"]],
  bpf_map_delete_elem: ["int", ["int", pointer]],
  bpf_map_get_next_key: ["int", ["int", pointer, pointer]],
  bpf_map_lookup_batch: ["int", ["int", pointer, pointer, pointer, pointer, pointer, pointer]],
  bpf_map_lookup_and_delete_batch: ["int", ["int", pointer, pointer, pointer, pointer, pointer, pointer]],
};

const libcSignatures: Signatures<Libc> = {
  capset: ["int", [pointer, pointer]],
  prctl: ["int", ["int", "unsigned long", "unsigned long", "unsigned long", "unsigned long"]],
  getpagesize: ["int", []],
  malloc_trim: ["int", ["size_t"]],
  mmap: [pointer, [pointer, "size_t", "int", "int", "int", "int64_t"]],
  pthread_sigmask: ["int", ["int", pointer, pointer]],
  sigfillset: ["int", [pointer]],
  vsnprintf: ["int", [pointer, "size_t", pointer, pointer]],
};

/**
 * Options structs by the names the signatures use. Anonymous for koffi, whose type names are global and may be taken.
 * Each is only as long as the members Skep sets: libbpf takes `sz` as the length and the rest as zero.
 */
const structs = {
  /** Members up to the last that is used; `sz` says so. */
  object_options: koffi.struct({
    sz: "size_t",
    object_name: text,
    relaxed_maps: "bool",
    pin_root_path: text,
    reserved: "uint32_t",
    kconfig: text,
    btf_custom_path: text,
  }),
  uprobe_options: koffi.struct({
    sz: "size_t",
    ref_ctr_offset: "size_t",
    bpf_cookie: "uint64_t",
    retprobe: "bool",
    func_name: text,
  }),
  iter_options: koffi.struct({ sz: "size_t", link_info: pointer, link_info_len: "uint32_t" }),
};

/** `int (*)(enum libbpf_print_level, const char *, va_list)`: a va_list goes by address on x86-64 and arm64. */
const printCallback = koffi.proto("int", ["int", pointer, pointer]);

/** libbpf and the few libc functions beside it, bound one by one when first used. */
export interface Native {
  readonly libbpf: Libbpf;
  readonly libc: Libc;
  /** errno of the last call. Read it before the next one. */
  errno(): number;
  /** `bpf_link__destroy` on a thread of libuv's pool. */
  destroyInBackground(link: LinkPointer): Promise<void>;
  /** Size of an options struct, for its `sz`. */
  sizeof(struct: keyof typeof structs): number;
  /** Memory of C as an ArrayBuffer. It does not own it: reading after the memory is gone is a crash. */
  view(address: bigint, length: number): ArrayBuffer;
  /** Makes a C callback for `libbpf_set_print` that stays valid for the life of the process (or worker). */
  printCallback(print: (level: number, format: bigint, args: bigint) => number): bigint;
}

/**
 * Opens the shared library.
 * @throws Error with the dynamic loader's words when it is not there. A function it lacks throws when first used.
 */
export function loadNative(path: string): Native {
  const libbpf = bind<Libbpf>(koffi.load(path), libbpfSignatures);
  return {
    libbpf,
    libc: bind<Libc>(koffi.load(null), libcSignatures),
    errno: () => koffi.errno(),
    destroyInBackground: (link) =>
      new Promise((resolve) => {
        (libbpf.bpf_link__destroy as KoffiFunc<Libbpf["bpf_link__destroy"]>).async(link, () => resolve());
      }),
    sizeof: (struct) => koffi.sizeof(structs[struct]),
    view: (address, length) => koffi.view(address, length),
    printCallback: (print) => koffi.register(print, koffi.pointer(printCallback)),
  };
}

/** The functions of libc alone. */
export function loadLibc(): Pick<Native, "libc" | "errno"> & {
  /** `capset` on a thread of libuv's pool: on any one of them. */
  capsetInPool(header: Uint8Array, sets: Uint8Array): Promise<void>;
} {
  const libc = bind<Libc>(koffi.load(null), libcSignatures);
  return {
    libc,
    errno: () => koffi.errno(),
    capsetInPool: (header, sets) =>
      new Promise((resolve) => {
        (libc.capset as KoffiFunc<Libc["capset"]>).async(header, sets, () => resolve());
      }),
  };
}

/** Each property binds its function on first use and then is that function. */
function bind<T extends object>(library: ReturnType<typeof koffi.load>, signatures: Signatures<T>): T {
  const bound = {};
  for (const name of Object.keys(signatures) as (keyof T & string)[]) {
    Object.defineProperty(bound, name, {
      configurable: true,
      get() {
        const [result, parameters] = signatures[name];
        const value = library.func(name, result, parameters.map(typeOf));
        Object.defineProperty(bound, name, { value });
        return value;
      },
    });
  }
  return bound as T;
}

const typeOf = (parameter: string) =>
  parameter in structs ? koffi.pointer(structs[parameter as keyof typeof structs]) : parameter;
