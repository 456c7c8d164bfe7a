// SPDX-License-Identifier: MIT
// The manners of `skep run -- COMMAND` as a process.
import test from "ava";
import { exists, linksOf, liveTests, until } from "@skep/testkit";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup.js";
import { buildWorkingTree, exchange, pointsOf, runProgram, skep, sum, traffic } from "./skep.js";

const live = await liveTests(test, ["root", "command:bpftool"]);

// What changed is built before the time of a run matters.
test.before("build", () => buildWorkingTree());

/** Of agents that are gone: others of this machine may be at work. */
const leftCgroups = (): string[] =>
  readdirSync(cgroup2Mount()?.point ?? "/nonexistent").filter((name) => {
    const [, pid] = /^skep-run-(\d+)$/.exec(name) ?? [];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });

live(["root"], "loopback traffic of a command can be left out", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--no-loopback", "--", ...exchange()]);
  t.is(ended.status, 0, ended.stderr);
  t.deepEqual(pointsOf(ended), []);
});

live(["root"], "the exit status is the command's, 128 + signal when it was killed", async (t) => {
  t.is((await runProgram([skep, "run", "--", "sh", "-c", "exit 7"])).status, 7);
  t.is((await runProgram([skep, "run", "--", "sh", "-c", "kill -KILL $$"])).status, 137);
  t.is((await runProgram([skep, "run", "--", "/nonexistent/program"])).status, 127);
});

live(["root"], "the command's stdout goes to stderr, and to stdout only when no points do", async (t) => {
  const points = await runProgram([skep, "run", "--output", "ndjson", "--", "echo", "from the command"]);
  t.is(points.stdout, "");
  t.regex(points.stderr, /^from the command$/m);
  const none = await runProgram([skep, "run", "--output", "none", "--", "echo", "from the command"]);
  t.is(none.stdout, "from the command\n");
});

live(["root"], "a child that outlives the command by less than a second is observed to its end", async (t) => {
  const background = `(sleep 0.3; exec ${traffic} tcp-exchange </dev/null >/dev/null 2>&1) & exit 0`;
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", "sh", "-c", background]);
  t.is(sum(pointsOf(ended), "tcp_established"), 2, ended.stderr);
  t.deepEqual(leftCgroups(), []);
});

live(["root"], "a daemon that stays is left alone, with a warning, and the cgroup goes", async (t) => {
  const daemon = "setsid sleep 30 </dev/null >/dev/null 2>&1 & echo $!";
  const ended = await runProgram([skep, "run", "--output", "none", "--", "sh", "-c", daemon]);
  t.is(ended.status, 0, ended.stderr);
  const pid = Number(ended.stdout);
  t.true(existsSync(`/proc/${pid}`), ended.stderr);
  process.kill(pid, "SIGKILL");
  t.true(ended.log.some(({ event, level }) => event === "stragglers" && level === "warn"));
  t.deepEqual(leftCgroups(), []);
});

live(["root"], "SIGTERM ends the command and the agent within 5 s, last points written", async (t) => {
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

live(["root"], "without a COMMAND, SIGINT is a clean end: status 0", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--scope-pid", String(process.pid)], {
    onLog: ({ event }, kill) => {
      if (event === "ready") kill("SIGINT");
    },
  });
  t.is(ended.status, 0, ended.stderr);
  t.is(ended.log.at(-1)?.event, "summary");
});

live(["root"], "--duration ends a run by itself, flushed, and its command with it", async (t) => {
  const command = ["sh", "-c", `${traffic} tcp-exchange </dev/null >/dev/null; exec sleep 60`];
  let begin = 0;
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--duration", "4s", "--", ...command], {
    onLog: ({ event }) => {
      if (event === "ready") begin = performance.now();
    },
  });
  t.is(ended.status, 0, ended.stderr);
  t.is(sum(pointsOf(ended), "tcp_established"), 2, ended.stderr);
  t.true(performance.now() - begin < 15_000);
});

live(["root"], "a reader that goes away ends the run without a crash", async (t) => {
  const pipe = `'${skep}' run --output ndjson --interval 1s -- ${traffic} tcp-exchange --rounds 50 --delay-us 100000 | head -n 1`;
  const ended = await runProgram(["sh", "-c", pipe]);
  t.is(pointsOf(ended).length, 1, ended.stderr);
  t.notRegex(ended.stderr, /^ +at /m);
  t.is(ended.log.at(-1)?.event, "summary", ended.stderr);
  t.true(ended.seconds < 20);
});

live(
  ["root", "command:bpftool"],
  "a killed agent leaves nothing attached, and its cgroup to the next run",
  async (t) => {
    const command = ["sh", "-c", "exec sleep 60 >/dev/null 2>&1"]; // holds none of the test's pipes
    let links: readonly number[] = [];
    await runProgram([skep, "run", "--output", "none", "--", ...command], {
      onLog: ({ event }, kill, pid) => {
        if (event !== "ready") return;
        links = linksOf(pid).map(({ id }) => id);
        kill("SIGKILL");
      },
    });
    t.true(links.length > 0);
    await until(() => !links.some((id) => exists("link", id)), { what: "the kernel to let the links go" });

    const left = leftCgroups();
    t.is(left.length, 1);
    // The command lives on, as it would under a killed strace. It is ours: end it.
    const processes = readFileSync(join(cgroup2Mount()?.point ?? "", left[0] ?? "", "cgroup.procs"), "utf8");
    for (const pid of processes.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
    await runProgram([skep, "run", "--output", "none", "--", "true"]);
    t.deepEqual(leftCgroups(), []);
  },
);
