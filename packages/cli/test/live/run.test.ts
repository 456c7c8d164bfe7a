// SPDX-License-Identifier: MIT
// The manners of `skep run -- COMMAND` as a process.
import anyTest from "ava";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup.js";
import { exchange, pointsOf, runProgram, skep, sum, traffic } from "./skep.js";

const root = process.getuid?.() === 0;
const test = root ? anyTest.serial : anyTest.serial.skip;

const leftCgroups = (): string[] =>
  readdirSync(cgroup2Mount()?.point ?? "/nonexistent").filter((name) => name.startsWith("skep-run-"));

test("loopback traffic of a command can be left out", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--no-loopback", "--", ...exchange()]);
  t.is(ended.status, 0, ended.stderr);
  t.deepEqual(pointsOf(ended), []);
});

test("the exit status is the command's, 128 + signal when it was killed", async (t) => {
  t.is((await runProgram([skep, "run", "--", "sh", "-c", "exit 7"])).status, 7);
  t.is((await runProgram([skep, "run", "--", "sh", "-c", "kill -KILL $$"])).status, 137);
  t.is((await runProgram([skep, "run", "--", "/nonexistent/program"])).status, 127);
});

test("the command's stdout goes to stderr, and to stdout only when no points do", async (t) => {
  const points = await runProgram([skep, "run", "--output", "ndjson", "--", "echo", "from the command"]);
  t.is(points.stdout, "");
  t.regex(points.stderr, /^from the command$/m);
  const none = await runProgram([skep, "run", "--output", "none", "--", "echo", "from the command"]);
  t.is(none.stdout, "from the command\n");
});

test("a child that outlives the command by less than a second is observed to its end", async (t) => {
  const background = `(sleep 0.3; exec ${traffic} tcp-exchange </dev/null >/dev/null 2>&1) & exit 0`;
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", "sh", "-c", background]);
  t.is(sum(pointsOf(ended), "tcp_established"), 2, ended.stderr);
  t.deepEqual(leftCgroups(), []);
});

test("a daemon that stays is left alone, with a warning, and the cgroup goes", async (t) => {
  const daemon = "setsid sleep 30 </dev/null >/dev/null 2>&1 & echo $!";
  const ended = await runProgram([skep, "run", "--output", "none", "--", "sh", "-c", daemon]);
  t.is(ended.status, 0, ended.stderr);
  const pid = Number(ended.stdout);
  t.true(existsSync(`/proc/${pid}`), ended.stderr);
  process.kill(pid, "SIGKILL");
  t.true(ended.log.some(({ event, level }) => event === "stragglers" && level === "warn"));
  t.deepEqual(leftCgroups(), []);
});

test("SIGTERM ends the command and the agent within 5 s, last points written", async (t) => {
  const command = ["sh", "-c", `${traffic} tcp-exchange </dev/null >/dev/null; exec sleep 60`];
  let asked = 0;
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--interval", "1s", "--", ...command], {
    onLog: ({ event }, kill) => {
      if (event !== "ready") return;
      setTimeout(() => {
        asked = performance.now();
        kill("SIGTERM");
      }, 1500);
    },
  });
  t.true(performance.now() - asked < 5000);
  t.is(ended.status, 143, ended.stderr);
  t.is(sum(pointsOf(ended), "tcp_established"), 2);
  t.is(ended.log.at(-1)?.event, "summary");
  t.deepEqual(leftCgroups(), []);
});

test("without a COMMAND, SIGINT is a clean end: status 0", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--scope-pid", String(process.pid)], {
    onLog: ({ event }, kill) => {
      if (event === "ready") kill("SIGINT");
    },
  });
  t.is(ended.status, 0, ended.stderr);
  t.is(ended.log.at(-1)?.event, "summary");
});

test("--duration ends a run by itself, flushed, and its command with it", async (t) => {
  const command = ["sh", "-c", `${traffic} tcp-exchange </dev/null >/dev/null; exec sleep 60`];
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--duration", "4s", "--", ...command]);
  t.is(ended.status, 0, ended.stderr);
  t.is(sum(pointsOf(ended), "tcp_established"), 2, ended.stderr);
  t.true(ended.seconds < 12);
});

test("a reader that goes away ends the run without a crash", async (t) => {
  const pipe = `'${skep}' run --output ndjson --interval 1s -- ${traffic} tcp-exchange --rounds 50 --delay-us 100000 | head -n 1`;
  const ended = await runProgram(["sh", "-c", pipe]);
  t.is(pointsOf(ended).length, 1, ended.stderr);
  t.notRegex(ended.stderr, /^ +at /m);
  t.is(ended.log.at(-1)?.event, "summary", ended.stderr);
  t.true(ended.seconds < 20);
});

test("what a killed agent left behind is swept by the next", async (t) => {
  await runProgram([skep, "run", "--output", "none", "--", "sleep", "60"], {
    onLog: ({ event }, kill) => {
      if (event === "ready") kill("SIGKILL");
    },
  });
  const left = leftCgroups();
  t.is(left.length, 1);
  // The command lives on, as it would under a killed strace. It is ours: end it.
  const { stdout } = await runProgram(["cat", join(cgroup2Mount()?.point ?? "", left[0] ?? "", "cgroup.procs")]);
  for (const pid of stdout.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
  await runProgram([skep, "run", "--output", "none", "--", "true"]);
  t.deepEqual(leftCgroups(), []);
});
