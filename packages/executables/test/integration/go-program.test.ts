// SPDX-License-Identifier: MIT
// Programs of the installed Go, against what its own tools say of them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { ElfFile, GoProgram } from "../../src/index.js";

const has = (command: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const withGo = has("go", "version") && process.arch === "x64" ? test.serial : test.serial.skip;
const folder = mkdtempSync(join(tmpdir(), "skep-go-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const source = `package main
import "fmt"
func main() { go fmt.Println("a"); fmt.Println("b") }
`;
const cgoSource = source.replace(
  `import "fmt"`,
  `import "fmt"\n// int three(void) { return 3; }\nimport "C"\nvar x = C.three()`,
);

function build(name: string, code: string, cgo: boolean, ...flags: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(`${path}.go`, code);
  execFileSync("go", ["build", "-o", path, ...flags, `${path}.go`], {
    env: { ...process.env, CGO_ENABLED: cgo ? "1" : "0", GOTOOLCHAIN: "local", GOFLAGS: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return path;
}

const wanted = ["runtime.newproc1", "fmt.Println", "main.main", "fmt.(*pp).printArg"];
const pattern = `^(${wanted.map((name) => name.replaceAll(/[.()*]/g, "\\$&")).join("|")})$`;

/** Addresses of functions and of their return instructions, as Go's disassembler has them. */
function disassembled(path: string): Record<string, { start: number; returns: readonly number[] }> {
  const functions: Record<string, { start: number; returns: number[] }> = {};
  let current: { start: number; returns: number[] } | undefined;
  for (const line of execFileSync("go", ["tool", "objdump", "-s", pattern, path]).toString().split("\n")) {
    const name = /^TEXT (\S+?)\(SB\)/.exec(line)?.[1];
    const [, address, , instruction] = line.trim().split(/\s+/);
    if (name !== undefined) functions[name] = current = { start: NaN, returns: [] };
    if (name !== undefined || current === undefined || !address?.startsWith("0x")) continue;
    if (Number.isNaN(current.start)) current.start = parseInt(address, 16);
    if (instruction === "RET") current.returns.push(parseInt(address, 16));
  }
  return functions;
}

function found(path: string): Record<string, { start: number; returns: readonly number[] }> {
  const elf = new ElfFile(path);
  try {
    const functions = GoProgram.of(elf)!.find([...wanted, "no.such.function"]);
    return Object.fromEntries([...functions].map(([name, { start, returns }]) => [name, { start, returns }]));
  } finally {
    elf.close();
  }
}

for (const [kind, flags] of [
  ["plain", []],
  ["position-independent", ["-buildmode=pie"]],
] as const) {
  withGo(`functions of a ${kind} program and their returns are where Go's disassembler has them`, (t) => {
    t.timeout(300_000);
    const truth = disassembled(build(kind, source, false, ...flags));
    t.is(Object.keys(truth).length, wanted.length);
    t.deepEqual(found(join(folder, kind)), truth);
  });

  withGo(`stripped, a ${kind} program says the same`, (t) => {
    t.timeout(300_000);
    const stripped = build(`${kind}-stripped`, source, false, "-ldflags=-s -w", ...flags);
    t.deepEqual(found(stripped), found(join(folder, kind)));
  });
}

(has("gcc", "--version") ? withGo : test.skip)("what a C compiler linked says the same as its disassembly", (t) => {
  t.timeout(300_000);
  const path = build("with-c", cgoSource, true);
  t.deepEqual(found(path), disassembled(path));
});

test("a program in another language is no Go program", (t) => {
  const elf = new ElfFile(process.execPath);
  t.is(GoProgram.of(elf), undefined);
  elf.close();
});
