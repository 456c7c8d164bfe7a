// SPDX-License-Identifier: MIT
// SIGHUP and the pid file, as an operator knows them.
import test, { type ExecutionContext } from "ava";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, runProgram, skep, type LogLine } from "./skep.js";

const live = await liveTests(test, ["root"]);

// What changed is built before the time of a run matters.
test.before("build", () => buildWorkingTree());

function confOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "skep-reload-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, "ebpf.conf");
}

/** A scope with nobody in it but this test: the agent observes what it is told to and no more. */
const scope = ["--scope-pid", String(process.pid)];

const pluginsOf = ({ plugins = [] }: LogLine): unknown[] => plugins.map(({ name }) => name);

live(
  ["root"],
  "SIGHUP runs a new configuration, refuses a bad one with its line, and goes back from one that cannot start",
  async (t) => {
    const file = confOf(t);
    const pidfile = join(file, "..", "skep.pid");
    writeFileSync(file, 'enabled_plugins = ["ebpf-process"]\n');
    const steps: string[] = [];
    const ready: unknown[][] = [];
    const ended = await runProgram(
      [skep, "run", "--config", file, "--pidfile", pidfile, ...scope, "--output", "none"],
      {
        onLog(line, kill, pid) {
          const { event, level, code, msg } = line;
          if (event === "ready") {
            ready.push(pluginsOf(line));
            if (ready.length === 1) {
              steps.push(readFileSync(pidfile, "utf8").trim() === String(pid) ? "pid written" : "no pid");
              writeFileSync(file, 'enabled_plugins = ["ebpf-process"]\nintervall = "60s"\n');
              kill("SIGHUP");
            } else if (ready.length === 2) {
              writeFileSync(file, 'enabled_plugins = ["ebpf-process"]\nprometheus_listen = "203.0.113.1:9435"\n');
              kill("SIGHUP");
            } else kill("SIGTERM");
          }
          if (level === "error") steps.push(`${code}: ${msg.replaceAll(file, "ebpf.conf")}`);
          if (event === "reload") {
            steps.push(msg);
            if (msg.includes("stays") && ready.length === 1) {
              writeFileSync(file, 'enabled_plugins = ["ebpf-process", "ebpf-bash"]\n');
              kill("SIGHUP");
            }
          }
        },
      },
    );
    t.is(ended.status, 0, ended.stderr);
    t.is(ended.log.filter(({ event }) => event === "ready").length, 3, ended.stderr);
    t.deepEqual(ready, [["ebpf-process"], ["ebpf-process", "ebpf-bash"], ["ebpf-process", "ebpf-bash"]]);
    t.deepEqual(steps.slice(0, 4), [
      "pid written",
      "SKEP_ERR_CONFIG_UNKNOWN_KEY: ebpf.conf:2: there is no key intervall",
      "reload: the configuration in use stays",
      "reload: the agent starts anew with another configuration",
    ]);
    t.regex(steps[5] ?? "", /SKEP_ERR_EXPORT: .*203\.0\.113\.1/);
    t.is(steps[6], "reload: the configuration in use stays");
    t.false(existsSync(pidfile));
  },
);

live(["root"], "SIGHUP with nothing changed changes nothing, and without a file it stops the agent", async (t) => {
  const file = confOf(t);
  writeFileSync(file, 'enabled_plugins = ["ebpf-process"]\n');
  const same = await runProgram([skep, "run", "--config", file, ...scope, "--output", "none"], {
    onLog({ event, msg }, kill) {
      if (event === "ready") kill("SIGHUP");
      if (msg === "reload: nothing has changed") kill("SIGTERM");
    },
  });
  t.is(same.log.filter(({ event }) => event === "ready").length, 1, same.stderr);
  const plain = await runProgram([skep, "run", "--enabled", "ebpf-process", ...scope, "--output", "none"], {
    onLog: ({ event }, kill) => void (event === "ready" && kill("SIGHUP")),
  });
  t.is(plain.status, 0, plain.stderr);
  t.is(plain.log.at(-1)?.event, "summary");
});

live(
  ["root"],
  "a second agent with the same pid file does not start, and one whose agent died is no obstacle",
  async (t) => {
    const pidfile = join(confOf(t), "..", "skep.pid");
    const run = (...more: string[]) => [
      skep,
      "run",
      "--enabled",
      "ebpf-process",
      "--pidfile",
      pidfile,
      "--output",
      "none",
      ...more,
    ];
    let second: Awaited<ReturnType<typeof runProgram>> | undefined;
    await runProgram(run(...scope), {
      onLog({ event }, kill) {
        if (event !== "ready") return;
        void runProgram(run("--", "true")).then((ended) => {
          second = ended;
          kill("SIGTERM");
        });
      },
    });
    t.is(second?.status, 2);
    t.regex(second?.log.at(-1)?.msg ?? "", /runs already/);
    writeFileSync(pidfile, "1\n");
    t.is((await runProgram(run("--", "true"))).status, 0);
  },
);
