// SPDX-License-Identifier: MIT
// Shells wherever their program and their line editor are, and whoever uses them.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { spawnIn, until } from "@skep/testkit";
import test from "ava";
import {
  bashOptions,
  copyOf,
  live,
  mark,
  nothingUnaccounted,
  observer,
  startBash,
  startShell,
  terminalProgram,
} from "./observe.js";

/** Libraries a program is linked to, the dynamic linker included. */
const librariesOf = (program: string): readonly string[] =>
  execFileSync(program, { env: { LD_TRACE_LOADED_OBJECTS: "1" }, encoding: "utf8" })
    .split("\n")
    .flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);

live("a bash in another root is seen, with the login name of its own passwd file, on every kernel", async (t) => {
  const { directory, path } = copyOf(t, "/bin/bash", "usr/bin/bash");
  for (const library of librariesOf("/bin/bash")) {
    mkdirSync(join(directory, dirname(library)), { recursive: true });
    copyFileSync(library, join(directory, library));
  }
  mkdirSync(join(directory, "etc"));
  writeFileSync(join(directory, "etc/passwd"), "root:x:0:0::/:\njailbird:x:4711:4711::/:\n");
  const observed = await observer(t);
  const start = (uid: number) =>
    startShell(t, {
      ...observed,
      directory,
      command: [path.slice(directory.length), ...bashOptions],
      env: { HISTFILE: "" },
      terminal: ["--root", directory, "--uid", String(uid)],
    });
  const userOf = async (uid: number) => {
    const shell = await start(uid);
    await shell.run("echo in jail");
    return (await observed.seen(shell.pid, "echo in jail")).fields["user"];
  };
  t.is(await userOf(4711), "jailbird");
  t.is(await userOf(4712), "4712");
  t.is(await userOf(0), "root");
});

const hasOverlay = /\toverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));

(hasOverlay ? live : skipped("no overlay file system"))(
  "shells of two containers that share a layer of their image are seen once each",
  async (t) => {
    const { directory } = copyOf(t, "/bin/bash", "image/bash");
    const containers = ["one", "two"].map((name) => {
      const [upper, work, root] = ["upper", "work", "root"].map((part) => join(directory, name, part));
      for (const folder of [upper!, work!, root!]) mkdirSync(folder, { recursive: true });
      const layers = `lowerdir=${join(directory, "image")},upperdir=${upper},workdir=${work}`;
      execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, root!]);
      t.teardown(() => void execFileSync("umount", ["-l", root!]));
      return root!;
    });
    const observed = await observer(t);
    const shells = await Promise.all(
      containers.map((root) =>
        startShell(t, { ...observed, directory: root, command: [join(root, "bash"), ...bashOptions] }),
      ),
    );
    for (const shell of shells) await shell.run(`echo ${shell.pid}`);
    for (const shell of shells) await observed.seen(shell.pid, `echo ${shell.pid}`);
    await shells[0]!.leave();
    await shells[1]!.run("echo alone");
    await observed.seen(shells[1]!.pid, "echo alone");
    t.deepEqual(
      observed.points.map(({ fields }) => fields["cmd"]),
      [...shells.map(({ pid }) => `echo ${pid}`), "exit", "echo alone"],
    );
  },
);

live("the last line of a shell has its user, though the shell is gone when the line is read", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, { ...observed, terminal: ["--uid", "65534"], env: { HISTFILE: "", HOME: "/" } });
  shell.type("exit\r");
  await shell.exited;
  t.is((await observed.seen(shell.pid, "exit")).fields["user"], "nobody");
});

const needsReadline = existsSync("/usr/include/readline/readline.h") ? live : skipped("no headers of libreadline");

needsReadline(
  "a bash that is linked to libreadline is seen, another program that uses the library is not",
  async (t) => {
    const { directory, path } = copyOf(t, "/bin/true", "bash");
    const source = join(directory, "shell.c");
    writeFileSync(
      source,
      `#include <stdio.h>
     #include <stdlib.h>
     #include <readline/readline.h>
     int main(void) { char *line; while ((line = readline("\\n${mark}\\n"))) free(line); return 0; }`,
    );
    execFileSync("cc", ["-o", path, source, "-lreadline"]);
    const debuggerPath = join(directory, "debugger");
    copyFileSync(path, debuggerPath);
    for (const library of librariesOf(path).filter((file) => basename(file).startsWith("libreadline"))) {
      copyFileSync(library, join(directory, basename(library)));
    }
    const observed = await observer(t);
    const env = { LD_LIBRARY_PATH: directory };
    const start = (command: string) => startShell(t, { ...observed, directory, command: [command], env });
    const [shell, other] = [await start(path), await start(debuggerPath)];
    for (const line of ["echo one", "echo two", "echo three"]) {
      await other.run(`break ${line}`);
      await shell.run(line);
    }
    await observed.seen(shell.pid, "echo three");
    t.deepEqual(
      observed.points.map(({ fields }) => fields["cmd"]),
      ["echo one", "echo two", "echo three"],
    );
  },
);

live("a program called bash that has no line editor degrades the plugin while it runs", async (t) => {
  const { path } = copyOf(t, terminalProgram(), "bash");
  const observed = await observer(t);
  t.is(observed.status().state, "running");
  const { pid, kill } = spawnIn(t, observed, path, ["/bin/sleep", "1000"]);
  await until(() => observed.status().state === "degraded", { what: "the plugin is degraded", deadlineMs: 30_000 });
  t.true(observed.status().reasons.includes(`shells: ${path} (process ${pid}) has no line editor to be probed`));
  kill();
  await until(() => observed.status().state === "running", { what: "the plugin is whole again", deadlineMs: 30_000 });
});

live("working directory and terminal are told when they are asked for", async (t) => {
  const observed = await observer(t, { config: { shell_cwd: true, shell_tty: true } });
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  mkdirSync(join(directory, "work"));
  const shell = await startShell(t, { ...observed, directory, command: [path, ...bashOptions] });
  await shell.run(`cd ${directory}/work`);
  await shell.run("true");
  const { tags } = await observed.seen(shell.pid, "true");
  t.is(tags["cwd"], `${directory}/work`);
  t.regex(tags["tty"]!, /^\/dev\/pts\/\d+$/);
});

live("bash -c and scripts are told when they are asked for, with their arguments, on every kernel", async (t) => {
  const observed = await observer(t, { config: { shell_exec: true } });
  const { directory, path } = copyOf(t, "/bin/bash", "bash");
  const script = join(directory, "backup.sh");
  writeFileSync(script, `#!${path}\nexit 0\n`, { mode: 0o755 });
  const long = `: ${"x".repeat(3000)}`;
  const runs: readonly (readonly [string, readonly string[]])[] = [
    [path, ["-c", "exit 3; echo 'ü'"]],
    [script, ["--full", "a b"]],
    [path, ["-c", long]],
    [path, ["-c", `: ${"y".repeat(9000)}`]],
    ["/bin/true", []],
  ];
  for (const [command, args] of runs) await spawnIn(t, observed, command, args).exited;
  const shell = await startShell(t, { ...observed, directory, command: [path, ...bashOptions] });
  await shell.run("echo typed");
  await observed.seen(shell.pid, "echo typed");
  const commands = observed.points.map(({ fields }) => String(fields["cmd"]));
  t.deepEqual(commands.slice(0, 3), [
    `${path} -c 'exit 3; echo '\\''ü'\\'''`,
    `${path} ${script} --full 'a b'`,
    `${path} -c '${long}'`,
  ]);
  t.regex(commands[3]!, /^\S+bash -c ': y{3900,4100}'$/);
  t.deepEqual(
    observed.points.map(({ fields }) => fields["truncated"] ?? false),
    [false, false, false, true, false],
  );
  t.is(commands.length, 5);
  await nothingUnaccounted(t, observed);
});

live(
  "what is typed into zsh is seen as its history has it, when it is asked for",
  async (t) => {
    const { directory, path } = copyOf(t, "/bin/zsh", "zsh");
    writeFileSync(join(directory, ".zshrc"), "unsetopt prompt_cr prompt_sp\n");
    const observed = await observer(t, { config: { shell_zsh: true } });
    const env = { PS1: `\n${mark}\n`, SAVEHIST: "1000", ZDOTDIR: directory };
    const shell = await startShell(t, { ...observed, directory, command: [path, "-d", "-i"], env });
    const lines = ["echo one", "echo für Ελλάδα 蜂 🐝", "true && false", ": nothing", `: ${"x".repeat(2000)}`];
    for (const line of lines) await shell.run(line);
    for (const line of ["aborted", "again"]) await shell.run(line, "\x03");
    await shell.run("true");
    await observed.seen(shell.pid, "true");
    t.deepEqual(observed.commandsOf(shell.pid), [...lines, "true"]);
    const history = await shell.leave();
    t.is(history[0], lines[0]);
    t.is(history.length, lines.length + 2);
    await nothingUnaccounted(t, observed);
  },
  "command:zsh",
);

live(
  "what fish puts into its history is seen when it is asked for",
  async (t) => {
    const { directory, path } = copyOf(t, "/usr/bin/fish", "fish");
    for (const library of librariesOf(path).filter((file) => basename(file).startsWith("libc."))) {
      copyFileSync(library, join(directory, basename(library)));
    }
    mkdirSync(join(directory, "config/fish"), { recursive: true });
    writeFileSync(join(directory, "config/fish/config.fish"), `function fish_prompt; echo; echo '${mark}'; end\n`);
    const observed = await observer(t, { config: { shell_fish: true } });
    const env = {
      LD_LIBRARY_PATH: directory,
      XDG_CONFIG_HOME: join(directory, "config"),
      XDG_DATA_HOME: join(directory, "data"),
    };
    const shell = await startShell(t, { ...observed, directory, command: [path, "-i"], env });
    const lines = [...Array.from({ length: 60 }, (_, index) => `echo line ${index}`), "echo für 蜂 \\\\ end"];
    for (const line of lines) {
      await shell.run(line);
      await observed.seen(shell.pid, line);
    }
    t.deepEqual(observed.commandsOf(shell.pid), lines);
    await nothingUnaccounted(t, observed);
  },
  "command:fish",
);

function skipped(reason: string): typeof live {
  return (title, run) => test.skip(`${title} (skipped: ${reason})`, run);
}
