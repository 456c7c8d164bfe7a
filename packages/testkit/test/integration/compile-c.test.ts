// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import { cProgram } from "../../src/index.js";

const greeting = (word: string): string => `#include <stdio.h>\nint main(void) { puts("${word}"); return 0; }\n`;

test("a C program of live tests is built into its package, and again only when its source is newer", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-c-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const source = join(folder, "test", "live", "support", "hello.c");
  mkdirSync(join(source, ".."), { recursive: true });
  writeFileSync(source, greeting("hello"));
  const build = () => cProgram(pathToFileURL(source));
  const program = build();
  t.is(program, join(folder, "dist", "test-bin", "hello"));
  t.is(execFileSync(program, { encoding: "utf8" }), "hello\n");

  const { ino } = statSync(program);
  t.is(statSync(build()).ino, ino);
  writeFileSync(source, greeting("goodbye"));
  const soon = new Date(Date.now() + 5000);
  utimesSync(source, soon, soon);
  t.is(execFileSync(build(), { encoding: "utf8" }), "goodbye\n");
});
