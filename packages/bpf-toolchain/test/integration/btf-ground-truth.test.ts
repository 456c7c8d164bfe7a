// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { buildObjects } from "@skep/bpf-toolchain";
import { readObjectBtf, type BtfType } from "@skep/core";
import { run } from "../../src/tools.js";
import { makePackage } from "./workspace.js";

/** What `bpftool btf dump ... --json` says of a type; only the keys that are compared. */
interface Dumped {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly type_id?: number;
  readonly ret_type_id?: number;
  readonly nr_elems?: number;
  readonly nr_bits?: number;
  readonly encoding?: string;
  readonly members?: readonly { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  readonly values?: readonly { name: string; val: number }[];
  readonly params?: readonly { name: string; type_id: number }[];
  readonly vars?: readonly { type_id: number; offset: number; size: number }[];
}

test("every type of an object reads as bpftool reads it", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory, arch: ["x64"] });
  const object = join(directory, "dist/bpf/zoo.x64.bpf.o");
  const bpftool = await dump(object);
  if (bpftool === undefined) return t.fail("bpftool is needed for this test: install the package bpftool");

  const btf = readObjectBtf(await readFile(object));
  t.is(btf.typeCount, bpftool.length + 1);
  t.true(bpftool.length > 40);
  for (const theirs of bpftool) t.deepEqual(comparable(theirs), ours(btf.type(theirs.id)), `type ${theirs.id}`);
});

test("globals have the offsets the symbol table gives them", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory, arch: ["x64"] });
  const btf = readObjectBtf(await readFile(join(directory, "dist/bpf/zoo.x64.bpf.o")));
  t.deepEqual(btf.dataSection(".rodata"), [
    { name: "wanted_pid", offset: 0, size: 4 },
    { name: "threshold", offset: 8, size: 8 },
  ]);
  t.deepEqual(btf.dataSection(".bss"), [{ name: "seen", offset: 0, size: 4 }]);
});

async function dump(object: string): Promise<readonly Dumped[] | undefined> {
  for (const bpftool of ["bpftool", "/usr/sbin/bpftool"]) {
    const { status, stdout } = await run(bpftool, ["--json", "btf", "dump", "file", object, "format", "raw"]);
    if (status === 0) return (JSON.parse(stdout) as { types: Dumped[] }).types;
  }
  return undefined;
}

function comparable(type: Dumped): object {
  return {
    kind: type.kind.toLowerCase(),
    name: type.name === "(anon)" ? undefined : type.name,
    size: type.size,
    type: type.type_id ?? type.ret_type_id,
    length: type.nr_elems,
    int: type.kind === "INT" ? [type.nr_bits, type.encoding] : undefined,
    members: type.members?.map((m) => [anonymous(m.name), m.type_id, m.bits_offset, m.bitfield_size ?? 0]),
    values: type.values?.map(({ name, val }) => [name, val]),
    parameters: type.params?.map(({ name, type_id }) => [anonymous(name), type_id]),
    variables: type.vars?.map(({ type_id, offset, size }) => [type_id, offset, size]),
  };
}

function ours(type: BtfType): object {
  const named = "name" in type && type.name !== "" ? type.name : undefined;
  return {
    kind: type.kind,
    name: named,
    size: "size" in type ? type.size : undefined,
    type: "type" in type ? type.type : undefined,
    length: type.kind === "array" ? type.length : undefined,
    int: type.kind === "int" ? [type.bits, type.bool ? "BOOL" : type.signed ? "SIGNED" : "(none)"] : undefined,
    members:
      type.kind === "struct" || type.kind === "union"
        ? type.members.map((m) => [m.name, m.type, m.bitOffset, m.bitSize])
        : undefined,
    values: type.kind === "enum" ? type.values.map(({ name, value }) => [name, Number(value)]) : undefined,
    parameters: type.kind === "func_proto" ? type.parameters.map((p) => [p.name, p.type]) : undefined,
    variables: type.kind === "datasec" ? type.variables.map((v) => [v.type, v.offset, v.size]) : undefined,
  };
}

function anonymous(name: string): string {
  return name === "(anon)" ? "" : name;
}
