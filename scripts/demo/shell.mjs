// SPDX-License-Identifier: MIT
// Somebody at a terminal: types commands into a bash until told to stop.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";

process.title = "demo-shell";
const typed = new Map();
let stopping = false;
process.once("message", () => (stopping = true));

/** `script` gives the shell a terminal, which it takes from nobody else. */
const command = "PS1='ready> ' HISTFILE=/dev/null TERM=dumb exec bash --norc --noprofile -i";
const shell = spawn("script", ["-q", "-c", command, "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
let screen = "";
shell.stdout.setEncoding("utf8").on("data", (text) => (screen += text));

/** Waits until the shell has shown its prompt once more. */
async function prompted() {
  while (!screen.includes("ready> ")) await once(shell.stdout, "data");
  screen = "";
}

const commands = ["uname -s", "echo 'two words' | wc -w", "cd /tmp", "true; false"];
await prompted();
for (let i = 0; !stopping; i++) {
  await pause(700);
  const command = commands[i % commands.length];
  shell.stdin.write(`${command}\n`);
  await prompted();
  typed.set(command, (typed.get(command) ?? 0) + 1);
}
const ended = once(shell, "exit");
shell.stdin.write("\u0004");
await ended;
const rows = [...typed].map(([cmd, count]) => ({
  process: process.title,
  measurement: "bash",
  identity: { cmd },
  counters: { count },
}));
process.send({ rows }, () => process.exit());
