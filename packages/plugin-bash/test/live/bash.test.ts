// SPDX-License-Identifier: MIT
// What was typed into a real bash in a terminal, against its own history. Runs on every kernel of the matrix.
import { userInfo } from "node:os";
import { live, observer, startBash } from "./observe.js";

live("what is typed into bash is seen as its history has it", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  const lines = [
    "true",
    "  echo   spaced   ",
    "echo 'quoted \"text\"' `echo back` \\$HOME",
    "echo für Ελλάδα 蜂 🐝",
    "false | true && (exit 3); echo $?",
    "echo a\\",
    "b",
    "for i in 1 2; do",
    "true",
    "done",
  ];
  for (const line of lines.slice(0, 5)) await shell.run(line);
  shell.type(`${lines.slice(5, 7).join("\r")}\r${lines.slice(7).join("\r")}\r`);
  await observed.seen(shell.pid, "done");
  const history = await shell.leave();
  await observed.seen(shell.pid, "exit");
  t.deepEqual(observed.commandsOf(shell.pid), [...lines, "exit"]);
  // bash joins the lines of one command in its history.
  t.deepEqual(history.slice(0, 5), lines.slice(0, 5));
  const point = await observed.seen(shell.pid, "true");
  t.is(point.measurement, "bash");
  t.is(point.fields["user"], userInfo().username);
  t.regex(
    String(point.fields["message"]),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) pid:`\d+` user:`\w+` cmd:`true`$/,
  );
});

live("1,000 lines at full speed are all seen, in their order", async (t) => {
  const observed = await observer(t);
  const shell = await startBash(t, observed);
  const lines = Array.from({ length: 1000 }, (_, index) => `: ${index} ${"x".repeat(index % 90)}`);
  shell.type(`${lines.join("\r")}\r`);
  await observed.seen(shell.pid, lines.at(-1)!);
  t.deepEqual(observed.commandsOf(shell.pid), lines);
  t.deepEqual((await shell.leave()).slice(0, 1000), lines);
});
