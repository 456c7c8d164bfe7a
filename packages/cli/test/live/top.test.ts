// SPDX-License-Identifier: MIT
// `skep top` in a terminal (script(1) makes one), over a recording: what it shows does not depend on the moment.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { liveTests, until } from "@skep/testkit";
import test from "ava";
import { buildWorkingTree, exchange, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root", "command:script"]);

test.before("build", () => buildWorkingTree());

test("without a terminal it says what to do instead", async (t) => {
  const ended = await runProgram([skep, "top"]);
  t.is(ended.status, 2);
  t.regex(ended.log.at(-1)?.hint ?? "", /--output/);
});

live(
  ["root", "command:script"],
  "in a terminal it shows rows, follows keys, and gives the terminal back",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "skep-top-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "run.skeprec");
    const recorded = await runProgram([skep, "record", file, "--", ...exchange("--connections", "2")]);
    t.is(recorded.status, 0, recorded.stderr);

    const command = `stty rows 24 cols 150; exec ${skep} top --recording ${file}`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    let shown = "";
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
    const ended = new Promise<number | null>((resolve) => terminal.once("exit", resolve));
    const sees = (what: RegExp) => until(() => what.test(shown), { what: `${what} in ${shown}`, deadlineMs: 30_000 });
    await sees(/traffic \d+ +127\.0\.0\.1:/);
    shown = "";
    terminal.stdin.write("/nothing-of-that-kind");
    await sees(/0 rows {3}filter: nothing-of-that-kind_/);
    terminal.stdin.write("\r");
    await sees(/filter: nothing-of-that-kind[^_]/);
    terminal.stdin.write("q");
    t.is(await ended, 0);
    t.true(shown.endsWith("\u001b[?25h\u001b[?1049l"), JSON.stringify(shown.slice(-40)));
  },
);

live(["root", "command:script"], "live it shows what a process in its scope does", async (t) => {
  const command = `stty rows 24 cols 150; exec ${skep} top --loopback --scope-pid ${process.pid}`;
  const terminal = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  let shown = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const ended = new Promise<number | null>((resolve) => terminal.once("exit", resolve));
  const running = new AbortController();
  const talk = async () => {
    while (!running.signal.aborted) await runProgram(exchange("--rounds", "20", "--delay-us", "50000"));
  };
  const talking = talk();
  try {
    await until(() => /traffic \d+ +127\.0\.0\.1:/.test(shown), { what: "a row of traffic", deadlineMs: 60_000 });
  } finally {
    running.abort();
    terminal.stdin.write("q");
  }
  t.is(await ended, 0, shown.slice(-2000));
  await talking;
});
