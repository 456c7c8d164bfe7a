// SPDX-License-Identifier: MIT

import { chmod, cp, readFile, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { buildObjects } from "@skep/bpf-toolchain";
import { SkepError, readElfSections, readObjectBtf } from "@skep/core";
import { emptyPackage, fixtures, makePackage, writeFiles } from "./workspace.js";

const built = (result: Awaited<ReturnType<typeof buildObjects>>): readonly boolean[] =>
  result.objects.map((object) => object.built);

test("a package without settings gets every bpf/*.bpf.c built for both architectures", async (t) => {
  const directory = await makePackage(t);
  const { objects } = await buildObjects({ directory });
  t.deepEqual(
    objects.map(({ name, arch, file }) => [name, arch, file]),
    [
      ["zoo", "x64", "dist/bpf/zoo.x64.bpf.o"],
      ["zoo", "arm64", "dist/bpf/zoo.arm64.bpf.o"],
    ],
  );
});

test("objects are stripped of debug information and its relocations and keep BTF", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory });
  const sections = readElfSections(await readFile(join(directory, "dist/bpf/zoo.x64.bpf.o")));
  t.true(sections.has(".BTF") && sections.has(".BTF.ext") && sections.has(".symtab"));
  t.deepEqual(
    [...sections.keys()].filter((name) => /^\.(debug|rel\.)/.test(name)),
    [],
  );
});

test("both architectures lay records out alike", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory });
  const [x64, arm64] = await Promise.all(
    ["x64", "arm64"].map(async (arch) => readObjectBtf(await readFile(join(directory, `dist/bpf/zoo.${arch}.bpf.o`)))),
  );
  t.truthy(x64?.struct("zoo_record"));
  t.deepEqual(x64?.struct("zoo_record"), arm64?.struct("zoo_record"));
});

test("an object does not depend on where its package lies", async (t) => {
  const one = await makePackage(t);
  const other = join(one, "further/down");
  await cp(fixtures, other, { recursive: true });
  await buildObjects({ directory: one });
  await buildObjects({ directory: other });
  const object = await readFile(join(one, "dist/bpf/zoo.x64.bpf.o"));
  t.deepEqual(object, await readFile(join(other, "dist/bpf/zoo.x64.bpf.o")));
  t.false(object.includes(one));
  t.true(object.includes("skep-bpf/skep/stats.bpf.h"), "code of the toolchain's headers is named after the toolchain");
});

test("an unchanged source is not compiled again, even when it looks newer", async (t) => {
  const directory = await makePackage(t);
  t.deepEqual(built(await buildObjects({ directory })), [true, true]);
  await utimes(join(directory, "bpf/zoo.bpf.c"), new Date(), new Date());
  t.deepEqual(built(await buildObjects({ directory })), [false, false]);
});

test("a changed header, a changed flag or a damaged object makes the object be built again", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory });
  await writeFiles(directory, { "bpf/types.h": `${await readFile(join(directory, "bpf/types.h"), "utf8")}\n` });
  t.deepEqual(built(await buildObjects({ directory })), [true, true]);
  t.deepEqual(built(await buildObjects({ directory, include: ["host"] })), [true, true]);
  await writeFiles(directory, { "dist/bpf/zoo.x64.bpf.o": "" });
  t.deepEqual(built(await buildObjects({ directory, include: ["host"] })), [true, false]);
});

test("a compile error shows the compiler's file and line", async (t) => {
  const directory = await makePackage(t, { "bpf/zoo.bpf.c": '#include "types.h"\nint broken = "text" - ;\n' });
  const error = await t.throwsAsync(buildObjects({ directory }), { instanceOf: SkepError });
  t.is(error?.code, "SKEP_ERR_BUILD");
  t.regex(error?.message ?? "", /bpf\/zoo\.bpf\.c:2:\d+: error:/);
});

test("a warning is an error", async (t) => {
  const directory = await makePackage(t, { "bpf/zoo.bpf.c": "static int unused(void) { return 0; }\n" });
  await t.throwsAsync(buildObjects({ directory }), { instanceOf: SkepError, message: /unused/ });
});

test("a missing libbpf header names the package that has it", async (t) => {
  const directory = await makePackage(t, { "bpf/zoo.bpf.c": "#include <bpf/bpf_helpers_of_tomorrow.h>\n" });
  const error = await t.throwsAsync(buildObjects({ directory }), { instanceOf: SkepError });
  t.regex(error?.hint ?? "", /libbpf-dev/);
});

test("a clang that is too old is refused by its version", async (t) => {
  const directory = await makePackage(t, { clang: "#!/bin/sh\necho 'Debian clang version 11.0.1-2'\n" });
  await chmod(join(directory, "clang"), 0o755);
  const tools = { clang: join(directory, "clang") };
  const error = await t.throwsAsync(buildObjects({ directory, tools }), {
    instanceOf: SkepError,
    message: /version 11/,
  });
  t.regex(error?.hint ?? "", /clang and llvm/);
});

test("a missing llvm-strip is said to be missing", async (t) => {
  const directory = await makePackage(t);
  const tools = { strip: join(directory, "no-such-strip") };
  await t.throwsAsync(buildObjects({ directory, tools }), { instanceOf: SkepError, message: /llvm-strip is missing/ });
});

test("a package with nothing to build says where sources go", async (t) => {
  const error = await t.throwsAsync(buildObjects({ directory: await emptyPackage(t) }), { instanceOf: SkepError });
  t.regex(error?.hint ?? "", /bpf\/\*\.bpf\.c/);
});

test("a misspelt key in package.json is refused by its name", async (t) => {
  const directory = await makePackage(t, { "package.json": '{ "skep-bpf": { "codec": {} } }' });
  await t.throwsAsync(buildObjects({ directory }), { instanceOf: SkepError, message: /codec/ });
});

test("check writes nothing and fails when the committed codec differs or is missing", async (t) => {
  const directory = await makePackage(t);
  await t.notThrowsAsync(buildObjects({ directory, check: true }));
  await writeFiles(directory, { "zoo.gen.ts": "edited by hand\n" });
  await t.throwsAsync(buildObjects({ directory, check: true }), { instanceOf: SkepError, message: /zoo\.gen\.ts/ });
  t.is(await readFile(join(directory, "zoo.gen.ts"), "utf8"), "edited by hand\n");
  await rm(join(directory, "zoo.gen.ts"));
  await t.throwsAsync(buildObjects({ directory, check: true }), { instanceOf: SkepError, message: /does not exist/ });
});

test("a struct that differs between architectures gets no codec", async (t) => {
  const directory = await makePackage(t, {
    "bpf/zoo.bpf.c": [
      '#include "types.h"',
      "struct zoo_record { __u32 a;",
      "#ifdef __TARGET_ARCH_arm64",
      "__u32 b;",
      "#endif",
      "};",
      "struct zoo_count { __u32 a; };",
      "struct zoo_record *record; struct zoo_count *count;",
    ].join("\n"),
  });
  await t.throwsAsync(buildObjects({ directory }), { instanceOf: SkepError, message: /every architecture/ });
});
