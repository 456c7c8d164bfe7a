// SPDX-License-Identifier: MIT
// `skep run -- COMMAND` against commands whose every byte is known, and its manners as a process.
import anyTest from "ava";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cgroup2Mount } from "../../src/cgroup.js";
import { pointsOf, runProgram, skep, type PointLine } from "./skep.js";

const root = process.getuid?.() === 0;
const test = root ? anyTest.serial : anyTest.serial.skip;
const traffic = join(dirname(fileURLToPath(import.meta.url)), "../../../testkit/dist/traffic");

/** `traffic` with its server in another process: both ends of each connection are the command's. */
const exchange = (...options: string[]): string[] => [traffic, "tcp-exchange", "--fork", ...options];

const sum = (points: readonly PointLine[], field: string): number =>
  points.reduce((total, { fields }) => total + (fields[field] ?? 0), 0);

const leftCgroups = (): string[] =>
  readdirSync(cgroup2Mount()?.point ?? "/nonexistent").filter((name) => name.startsWith("skep-run-"));

test("both ends of a command's connections are reported to the byte", async (t) => {
  const command = exchange("--connections", "7", "--send", "1000", "--reply", "2000", "--rounds", "3");
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...command]);
  t.is(ended.status, 0, ended.stderr);
  const flows = pointsOf(ended).filter(({ tags }) => tags["transport"] === "tcp");
  for (const [direction, written, read] of [
    ["outgoing", 1000, 2000],
    ["incoming", 2000, 1000],
  ] as const) {
    const side = flows.filter(({ tags }) => tags["direction"] === direction);
    t.is(sum(side, "bytes_written"), 7 * 3 * written, direction);
    t.is(sum(side, "bytes_read"), 7 * 3 * read, direction);
    t.is(sum(side, "tcp_established"), 7, direction);
    t.is(sum(side, "tcp_closed"), 7, direction);
    t.deepEqual([...new Set(side.map(({ tags }) => tags["process_name"]))].length, 1, direction);
  }
  t.is(new Set(flows.map(({ tags }) => tags["pid"])).size, 2);
});

test("one line says ready with strategies, and the last one sums up that nothing was lost", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...exchange()]);
  const ready = ended.log.filter(({ event }) => event === "ready");
  t.is(ready.length, 1, ended.stderr);
  const net = ready[0]?.plugins?.find(({ name }) => name === "ebpf-net") as { strategies: object; support: string };
  t.true(Object.keys(net.strategies).length > 0);
  t.true(["full", "reduced"].includes(net.support));
  const summary = ended.log.at(-1);
  t.is(summary?.event, "summary", ended.stderr);
  const counts = summary?.plugins?.find(({ name }) => name === "ebpf-net") as {
    observed: number;
    emitted: number;
    aggregated: number;
    dropped: Record<string, number>;
    pending: number;
  };
  t.is(counts.emitted, pointsOf(ended).length);
  t.is(counts.pending, 0);
  t.is(
    counts.observed,
    counts.emitted + counts.aggregated + Object.values(counts.dropped).reduce((total, count) => total + count, 0),
  );
});

test("somebody else's connections are not seen", async (t) => {
  const stranger = runProgram(exchange("--connections", "200", "--delay-us", "5000"));
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...exchange("--connections", "2")]);
  await stranger;
  const tcp = pointsOf(ended).filter(({ tags }) => tags["direction"] === "outgoing");
  t.is(sum(tcp, "tcp_established"), 2, ended.stdout);
});

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
  const pid = Number(ended.stdout);
  t.true(existsSync(`/proc/${pid}`));
  process.kill(pid, "SIGKILL");
  t.is(ended.status, 0);
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
  t.notRegex(ended.stderr, /EPIPE|^ +at /m);
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
