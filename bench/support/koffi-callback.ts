// SPDX-License-Identifier: MIT
/** The way not taken: libbpf's own consumer with a JavaScript callback for each record. Declares only what it needs. */
import { createRequire } from "node:module";
import type Koffi from "koffi";

const require = createRequire(new URL("../../packages/backend-libbpf/package.json", import.meta.url));

/** Loads `object` for this process. Returns a function that consumes what is there and how many records that were. */
export function koffiConsumer(object: string): () => number {
  const koffi = require("koffi") as typeof Koffi;
  const lib = koffi.load("libbpf.so.1");
  const open = lib.func("bpf_object__open", "void *", ["str"]);
  const findMap = lib.func("bpf_object__find_map_by_name", "void *", ["void *", "str"]);
  const findProgram = lib.func("bpf_object__find_program_by_name", "void *", ["void *", "str"]);
  const initialValue = lib.func("bpf_map__initial_value", "void *", ["void *", "void *"]);
  const mapFd = lib.func("bpf_map__fd", "int", ["void *"]);
  const load = lib.func("bpf_object__load", "int", ["void *"]);
  const attach = lib.func("bpf_program__attach", "void *", ["void *"]);
  const newRing = lib.func("ring_buffer__new", "void *", ["int", "void *", "void *", "void *"]);
  const consume = lib.func("ring_buffer__consume", "int", ["void *"]);

  const loaded: bigint = open(object);
  const constants = initialValue(findMap(loaded, ".rodata"), new BigUint64Array(1));
  new Uint32Array(koffi.view(constants, 4))[0] = process.pid;
  if (load(loaded) < 0 || attach(findProgram(loaded, "make_records")) === null) throw new Error("cannot load");
  let handled = 0;
  const callback = koffi.register(
    () => {
      handled++;
      return 0;
    },
    koffi.pointer(koffi.proto("int", ["void *", "void *", "size_t"])),
  );
  const ring: bigint = newRing(mapFd(findMap(loaded, "records")), callback, null, null);
  return () => {
    handled = 0;
    consume(ring);
    return handled;
  };
}
