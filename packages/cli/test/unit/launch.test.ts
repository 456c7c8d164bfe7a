// SPDX-License-Identifier: MIT
import test from "ava";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../src/launch.js";

function temporary(t: { teardown(f: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-launch-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("the command does not run before it is let go, and keeps the pid", async (t) => {
  const file = join(temporary(t), "pid");
  const waiting = await launch(["sh", "-c", `echo $$ > ${file}`], "stderr");
  t.false(existsSync(file));
  waiting.release();
  t.is(await waiting.ended, 0);
  t.is(Number(readFileSync(file, "utf8")), waiting.pid);
});

test("the command gets its arguments as they were given and not the descriptor it waited on", async (t) => {
  const file = join(temporary(t), "seen");
  const script = `printf '%s|' "$@" > ${file}; [ ! -e /proc/$$/fd/3 ]`;
  const waiting = await launch(["sh", "-c", script, "x", "a b", "$HOME", ""], "stderr");
  waiting.release();
  t.is(await waiting.ended, 0);
  t.is(readFileSync(file, "utf8"), "a b|$HOME||");
});

test("the status is the command's, 128 + signal when it was killed", async (t) => {
  const exits = await launch(["sh", "-c", "exit 42"], "stderr");
  exits.release();
  t.is(await exits.ended, 42);
  const killed = await launch(["sh", "-c", "kill -TERM $$"], "stderr");
  killed.release();
  t.is(await killed.ended, 143);
});

test("a command that does not exist ends as it would in a shell", async (t) => {
  const waiting = await launch(["/nonexistent/program"], "stderr");
  waiting.release();
  t.is(await waiting.ended, 127);
});

test("a process that still waits can be killed", async (t) => {
  const waiting = await launch(["true"], "stderr");
  waiting.kill("SIGKILL");
  t.is(await waiting.ended, 137);
});
