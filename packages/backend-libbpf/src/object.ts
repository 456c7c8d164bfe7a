// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";
import { explain } from "./explain.js";
import type { MapPointer, ObjectPointer, ProgramPointer } from "./ffi.js";
import type { Host } from "./host.js";
import type { Library } from "./library.js";
import { refuseMutations, type ScannedObject, type ScannedProgram } from "./mutation/refuse.js";
import { INSTRUCTION } from "./mutation/instructions.js";
import { ObjectImage } from "./object-image.js";
import { writeConstants, type Constant } from "./rodata.js";
import { MapType } from "./uapi.js";

const hashTypes: ReadonlySet<number> = new Set([
  MapType.HASH,
  MapType.LRU_HASH,
  MapType.PERCPU_HASH,
  MapType.LRU_PERCPU_HASH,
]);
/** Entries and bytes of maps that are never used: as few as every kernel takes (a ring is whole pages, of 64 KiB at most). */
const smallHash = 64;
const smallRing = 65_536;

/** A program of an object. Its pointer dies with the object. */
export class Program {
  readonly #pointer: ProgramPointer;

  constructor(
    readonly object: BpfObject,
    readonly name: string,
    /** ELF section, such as `tp_btf/inet_sock_set_state`. */
    readonly section: string,
    pointer: ProgramPointer,
  ) {
    this.#pointer = pointer;
  }

  /** @throws SkepError `SKEP_ERR_CLOSED` */
  get pointer(): ProgramPointer {
    this.object.assertOpen();
    return this.#pointer;
  }

  get fd(): number {
    return this.object.library.libbpf.bpf_program__fd(this.pointer);
  }
}

/** A map of an object as libbpf sees it. Its fd belongs to the object. */
export class MapHandle {
  readonly #pointer: MapPointer;

  constructor(
    readonly object: BpfObject,
    readonly name: string,
    pointer: MapPointer,
  ) {
    this.#pointer = pointer;
  }

  /** @throws SkepError `SKEP_ERR_CLOSED` */
  get pointer(): MapPointer {
    this.object.assertOpen();
    return this.#pointer;
  }

  get fd(): number {
    return this.object.library.libbpf.bpf_map__fd(this.pointer);
  }

  get type(): number {
    return this.object.library.libbpf.bpf_map__type(this.pointer);
  }

  get typeName(): string {
    return this.object.library.libbpf.libbpf_bpf_map_type_str(this.type) ?? `map type ${this.type}`;
  }

  get keySize(): number {
    return this.object.library.libbpf.bpf_map__key_size(this.pointer);
  }

  get valueSize(): number {
    return this.object.library.libbpf.bpf_map__value_size(this.pointer);
  }

  get maxEntries(): number {
    return this.object.library.libbpf.bpf_map__max_entries(this.pointer);
  }
}

/**
 * A BPF object: opened from memory, then set up, then loaded, then closed; in that order.
 * Owns its programs and maps, their descriptors included. A failed load leaves it good for nothing but closing.
 */
export class BpfObject implements Disposable {
  readonly programs: ReadonlyMap<string, Program>;
  /** Maps the C source declares; libbpf's own for `.rodata`, `.bss` and `.data` are left out. */
  readonly maps: ReadonlyMap<string, MapHandle>;
  #pointer: ObjectPointer | undefined;

  private constructor(
    readonly library: Library,
    private readonly host: Host,
    private readonly plugin: string,
    readonly name: string,
    readonly image: ObjectImage,
    pointer: ObjectPointer,
  ) {
    this.#pointer = pointer;
    this.programs = new Map(this.walkPrograms(pointer).map((program) => [program.name, program]));
    this.maps = new Map(this.walkMaps(pointer).map((map) => [map.name, map]));
  }

  /** @throws SkepError `SKEP_ERR_OBJECT` when the bytes are no BPF object. */
  static open(library: Library, host: Host, plugin: string, name: string, bytes: Uint8Array): BpfObject {
    const { native, libbpf } = library;
    const { result, printed } = library.logged(() => {
      const options = {
        sz: native.sizeof("object_options"),
        object_name: name,
        btf_custom_path: host.customBtf ?? null,
      };
      const pointer = libbpf.bpf_object__open_mem(bytes, bytes.length, options);
      return pointer ?? { errno: native.errno() };
    });
    if (typeof result === "bigint") return new BpfObject(library, host, plugin, name, ObjectImage.of(bytes), result);
    throw explain(
      { code: "SKEP_ERR_OBJECT", plugin, phase: "load", what: `open object ${name}`, errno: result.errno, printed },
      host,
    );
  }

  /** @throws SkepError `SKEP_ERR_CLOSED` */
  assertOpen(): ObjectPointer {
    if (this.#pointer !== undefined) return this.#pointer;
    throw new SkepError("SKEP_ERR_CLOSED", `${this.plugin}: object ${this.name} is closed`, { plugin: this.plugin });
  }

  /** @throws SkepError `SKEP_ERR_OBJECT` when there is no such program. */
  program(name: string): Program {
    const program = this.programs.get(name);
    if (program !== undefined) return program;
    throw this.mistake(`object ${this.name} has no program ${name}; it has ${[...this.programs.keys()].join(", ")}`);
  }

  /** Chooses the programs that {@link load} loads; all others stay out. */
  loadOnly(programs: ReadonlySet<string>): void {
    for (const program of this.programs.values()) {
      this.library.libbpf.bpf_program__set_autoload(program.pointer, programs.has(program.name));
    }
  }

  /** Sets those `const volatile` globals that this object has. Returns their names. */
  setConstants(constants: Readonly<Record<string, Constant>>): readonly string[] {
    if (Object.keys(constants).length === 0) return [];
    const { libbpf, native } = this.library;
    const map = libbpf.bpf_object__find_map_by_name(this.assertOpen(), ".rodata");
    if (map === null) return [];
    const size = new BigUint64Array(1);
    const address = libbpf.bpf_map__initial_value(map, size);
    if (address === null) return [];
    const section = new Uint8Array(native.view(address, Number(size[0])));
    return writeConstants(section, this.image.btf.dataSection(".rodata") ?? [], constants);
  }

  /** Sets max_entries of those maps that this object has. Returns their names. */
  setMapEntries(entries: Readonly<Record<string, number>>): readonly string[] {
    const set = [...this.maps.values()].filter(({ name }) => entries[name] !== undefined);
    for (const map of set) {
      const wanted = entries[map.name]!;
      if (!Number.isInteger(wanted) || wanted < 1 || wanted > 0xffff_ffff) {
        throw this.mistake(`map ${map.name}: ${wanted} is no number of entries`);
      }
      this.library.libbpf.bpf_map__set_max_entries(map.pointer, wanted);
    }
    return set.map(({ name }) => name);
  }

  /** Makes hash maps and ring buffers as small as they may be, for a load that is only a trial. */
  shrinkMaps(): void {
    for (const map of this.maps.values()) {
      if (hashTypes.has(map.type)) this.library.libbpf.bpf_map__set_max_entries(map.pointer, smallHash);
      else if (map.type === MapType.RINGBUF) this.library.libbpf.bpf_map__set_max_entries(map.pointer, smallRing);
    }
  }

  /** Takes the place of this object's own map, before load. @throws SkepError `SKEP_ERR_OBJECT` when they differ. */
  shareMap(map: MapHandle): void {
    const own = this.maps.get(map.name);
    if (own === undefined) return;
    const shape = (of: MapHandle) => `${of.typeName} of ${of.keySize} -> ${of.valueSize} bytes`;
    if (shape(own) !== shape(map)) {
      throw this.mistake(
        `map ${map.name} is a ${shape(map)} in object ${map.object.name} and a ${shape(own)} in object ${this.name}`,
      );
    }
    const error = this.library.libbpf.bpf_map__reuse_fd(own.pointer, map.fd);
    if (error < 0) throw this.failure(`share map ${map.name}`, error, []);
  }

  /** Refuses what could change the system among `programs` and what they share. Before load. */
  refuseMutations(programs: Iterable<string>): void {
    const object: ScannedObject = {
      programs: [...programs].map((name) => this.scan(this.program(name))),
      functions: this.image.functions,
      kfuncs: this.image.kfuncs,
      maps: [...this.maps.values()],
    };
    refuseMutations(this.plugin, this.name, object);
  }

  /** Loads into the kernel. Blocks while the verifier thinks. @throws SkepError `SKEP_ERR_LOAD` */
  load(): void {
    const pointer = this.assertOpen();
    const { result, printed } = this.library.logged(() => this.library.libbpf.bpf_object__load(pointer));
    if (result < 0) throw this.failure(`load object ${this.name}`, result, printed);
  }

  /** Takes programs and maps out of the kernel, unless something else holds them. Idempotent. */
  close(): void {
    if (this.#pointer === undefined) return;
    const pointer = this.#pointer;
    this.#pointer = undefined;
    this.library.libbpf.bpf_object__close(pointer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private scan(program: Program): ScannedProgram {
    const { libbpf, native } = this.library;
    const type = libbpf.bpf_program__type(program.pointer);
    const length = libbpf.bpf_program__insn_cnt(program.pointer) * INSTRUCTION;
    return {
      name: program.name,
      type,
      typeName: libbpf.libbpf_bpf_prog_type_str(type) ?? `program type ${type}`,
      attachType: libbpf.bpf_program__expected_attach_type(program.pointer),
      instructions: new Uint8Array(native.view(libbpf.bpf_program__insns(program.pointer), length)).slice(),
    };
  }

  private walkPrograms(object: ObjectPointer): Program[] {
    const { libbpf } = this.library;
    const found: Program[] = [];
    for (let at = libbpf.bpf_object__next_program(object, null); at !== null;) {
      found.push(new Program(this, libbpf.bpf_program__name(at), libbpf.bpf_program__section_name(at), at));
      at = libbpf.bpf_object__next_program(object, at);
    }
    return found;
  }

  private walkMaps(object: ObjectPointer): MapHandle[] {
    const { libbpf } = this.library;
    const found: MapHandle[] = [];
    for (let at = libbpf.bpf_object__next_map(object, null); at !== null;) {
      if (!libbpf.bpf_map__is_internal(at)) found.push(new MapHandle(this, libbpf.bpf_map__name(at), at));
      at = libbpf.bpf_object__next_map(object, at);
    }
    return found;
  }

  private failure(what: string, errno: number, printed: readonly string[]): SkepError {
    return explain({ code: "SKEP_ERR_LOAD", plugin: this.plugin, phase: "load", what, errno, printed }, this.host);
  }

  private mistake(message: string): SkepError {
    return new SkepError("SKEP_ERR_OBJECT", `${this.plugin}: ${message}`, { plugin: this.plugin, phase: "load" });
  }
}
