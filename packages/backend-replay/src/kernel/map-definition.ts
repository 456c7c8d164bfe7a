// SPDX-License-Identifier: MIT

import { type Btf, type BtfType, readObjectBtf, type TypeId } from "@skep/core";

/** Sizes in bytes; 0: not said. */
export interface MapDefinition {
  readonly name: string;
  /** Name of the kernel's map type, such as `hash`. */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

/** `enum bpf_map_type` of linux/bpf.h, from 0 on. */
const mapTypes = [
  "unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash",
  "lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage",
  "reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage",
  "task_storage bloom_filter user_ringbuf cgrp_storage arena insn_array",
].flatMap((line) => line.split(" "));

/**
 * Maps a BPF object defines (`SEC(".maps")`), by the object's BTF.
 * @throws SkepError `SKEP_ERR_OBJECT` when the object is malformed or has no BTF.
 */
export function mapDefinitions(object: Uint8Array): MapDefinition[] {
  const btf = readObjectBtf(object);
  const definitions: MapDefinition[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    const section = btf.type(id);
    if (section.kind !== "datasec" || section.name !== ".maps") continue;
    for (const entry of section.variables) {
      const variable = btf.type(entry.type);
      if (variable.kind === "var") definitions.push(definitionOf(btf, variable.name, btf.resolve(variable.type)));
    }
  }
  return definitions;
}

/** libbpf's convention: numbers are lengths of arrays pointed to (`__uint`), types are pointed to (`__type`). */
function definitionOf(btf: Btf, name: string, struct: BtfType): MapDefinition {
  const members =
    struct.kind === "struct" ? new Map(struct.members.map((member) => [member.name, member.type])) : new Map();
  const pointee = (member: string): BtfType | undefined => {
    const id: TypeId | undefined = members.get(member);
    const pointer = id === undefined ? undefined : btf.resolve(id);
    return pointer?.kind === "ptr" ? btf.resolve(pointer.type) : undefined;
  };
  const uint = (member: string): number => {
    const array = pointee(member);
    return array?.kind === "array" ? array.length : 0;
  };
  const size = (member: string): number => {
    const type = pointee(member);
    return type === undefined ? uint(`${member}_size`) : btf.sizeOf(type);
  };
  return {
    name,
    type: mapTypes[uint("type")] ?? "unknown",
    keySize: size("key"),
    valueSize: size("value"),
    maxEntries: uint("max_entries"),
  };
}
