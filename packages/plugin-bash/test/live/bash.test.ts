// SPDX-License-Identifier: MIT
// What was typed into a real bash in a terminal, against its own history. Runs on every kernel of the matrix.
import { userInfo } from "node:os";
import { until } from "@skep/testkit";
import { bashOptions, copyOf, live, nothingUnaccounted, observer, startBash, startShell } from "./observe.js";

live("what is typed into bash is seen as its history has it", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  const lines = [
    "true",
    "  echo   spaced   ",
    "echo 'quoted \"text\"' `echo back` \\$HOME",
    "echo für Ελλάδα 蜂 🐝",
    "false | true && (exit 3); echo $?",
  ];
  const pieces = ["echo a\\", "b", "for i in 1 2; do", "true", "done"];
  for (const line of lines) await shell.run(line);
  shell.type(`${pieces.join("\r")}\r`);
  await observed.seen(shell.pid, "done");
  const history = await shell.leave();
  await observed.seen(shell.pid, "exit");
  t.deepEqual(observed.commandsOf(shell.pid), [...lines, ...pieces, "exit"]);
  // What is typed in several lines, bash joins.
  t.deepEqual(history, [...lines, "echo ab", "for i in 1 2; do true; done", "exit"]);
  const point = await observed.seen(shell.pid, "true");
  t.like(point, { measurement: "bash", category: "logging" });
  t.is(point.fields["user"], userInfo().username);
  t.regex(
    String(point.fields["message"]),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) pid:`\d+` user:`\w+` cmd:`true`$/,
  );
  t.true(Math.abs(Number(point.time / 1_000_000n) - Date.now()) < 60_000);
  await nothingUnaccounted(t, observed);
});

live("1,000 lines at full speed are all seen, in their order", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  const lines = Array.from({ length: 1000 }, (_, index) => `: ${index} ${"x".repeat(index % 90)}`);
  shell.type(`${lines.join("\r")}\r`);
  await observed.seen(shell.pid, lines.at(-1)!);
  t.deepEqual(observed.commandsOf(shell.pid), lines);
  t.deepEqual((await shell.leave()).slice(0, 1000), lines);
  await nothingUnaccounted(t, observed);
});

live("a shell that waited at its prompt before the start is seen from its next line on", async (t) => {
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  const observed = await observer(t, {
    before: (cgroup) => startShell(t, { cgroup, directory, command: [path, ...bashOptions] }),
  });
  const shell = observed.started!;
  await shell.run("echo first");
  await shell.run("echo second");
  await observed.seen(shell.pid, "echo second");
  t.deepEqual(observed.commandsOf(shell.pid), ["echo first", "echo second"]);
});

live(
  "the host's own bash is seen from the first line of its first process, though it is typed before the prompt",
  async (t) => {
    const { directory, path } = copyOf(t, "/bin/bash", "bin/bash");
    const observed = await observer(t, { hostRoot: directory });
    for (let run = 0; run < 5; run++) {
      const shell = await startShell(t, { ...observed, directory, command: [path, ...bashOptions], waits: false });
      shell.type("echo early\recho later\r");
      await observed.seen(shell.pid, "echo later");
      t.deepEqual(observed.commandsOf(shell.pid), ["echo early", "echo later"]);
      await shell.leave();
    }
  },
);

live("empty lines are left out, and the end of input is no command", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  for (const line of ["", "   ", "\x16\t", "true", ""]) await shell.run(line);
  await observed.seen(shell.pid, "true");
  shell.type("\x04");
  await shell.exited;
  await nothingUnaccounted(t, observed);
  t.deepEqual(observed.commandsOf(shell.pid), ["true"]);
});

live("interrupted lines are none, and signals at the prompt break no later line", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  // The kernel keeps 64 unfinished return probes of a thread: readline() is left by a jump each time.
  for (let count = 0; count < 80; count++) await shell.run("echo unfinished", "\x03");
  await shell.run("echo finished");
  await observed.seen(shell.pid, "echo finished");
  t.deepEqual(observed.commandsOf(shell.pid), ["echo finished"]);
});

live("a command of 4 KiB is whole, a longer one is cut and marked", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  const lengths = [230, 231, 232, 233, 4095, 4096, 4097, 9000];
  for (const length of lengths) {
    const line = `: ${"é".repeat(5)}${String(length).padEnd(length - 12, "x")}`;
    await shell.run(line);
    // Five characters have two bytes.
    const { fields } = await observed.seen(shell.pid, line.slice(0, 4096 - 5));
    t.is(fields["truncated"], length > 4096 ? true : undefined, `${length} bytes`);
  }
  await nothingUnaccounted(t, observed);
});

live("a pasted command of several lines is one command, and one line in the message", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  await shell.run("\x1b[200~echo one\necho 'two\x1b[201~ three\x16\x01'");
  const { fields } = await observed.seen(shell.pid, "echo one\necho 'two three\x01'");
  t.true(String(fields["message"]).endsWith("cmd:`echo one\\necho 'two three\\u0001'`"));
});

live("shells of one file are told apart, and one outside the scope is not seen", async (t) => {
  const observed = await observer(t);
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  const start = (cgroup?: typeof observed.cgroup) =>
    startShell(t, { cgroup, directory, command: [path, ...bashOptions] });
  const [one, two, outside] = [await start(observed.cgroup), await start(observed.cgroup), await start()];
  for (let round = 0; round < 5; round++) {
    await Promise.all([one.run(`echo one ${round}`), two.run(`echo two ${round}`), outside.run("echo outside")]);
  }
  await observed.seen(one.pid, "echo one 4");
  await observed.seen(two.pid, "echo two 4");
  const rounds = [0, 1, 2, 3, 4];
  t.deepEqual(
    observed.commandsOf(one.pid),
    rounds.map((round) => `echo one ${round}`),
  );
  t.deepEqual(
    observed.commandsOf(two.pid),
    rounds.map((round) => `echo two ${round}`),
  );
  t.is(observed.points.length, 10);
});

live("a shell in a shell, and one that becomes another, are seen", async (t) => {
  const observed = await observer(t);
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  const shell = await startShell(t, { ...observed, directory, command: [path, ...bashOptions] });
  await shell.run(`exec ${path} ${bashOptions.join(" ")}`);
  await shell.run("echo same process");
  await observed.seen(shell.pid, "echo same process");
  await shell.run(`${path} ${bashOptions.join(" ")}`);
  await shell.run("echo child");
  await until(() => observed.points.some(({ fields }) => fields["cmd"] === "echo child"), { what: "the inner shell" });
  const inner = observed.points.find(({ fields }) => fields["cmd"] === "echo child")!;
  t.not(inner.fields["pid"], String(shell.pid));
});
