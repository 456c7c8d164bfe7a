// SPDX-License-Identifier: MIT
import { basename, join } from "node:path";
import { attachToFiles, type FileProbe, type PluginContext, type ProbeGroup, scopeProbes } from "@skep/core";
import type { Config } from "./plugin.js";

const uprobe = { kind: "uprobe" } as const;
const uretprobe = { kind: "uretprobe" } as const; // without a target: attached to the shells that are found
export const probes = {
  bash: oneWay("lines typed into bash", { bash_edited: uretprobe, bash_readline: uretprobe }),
  zsh: oneWay("lines typed into zsh", { zsh_edit: uprobe, zsh_edited: uprobe, zsh_line: uretprobe }),
  fish: oneWay("what fish writes to its history", { fish_write: uprobe }),
  exec: oneWay("bash being executed", { bash_exec: { kind: "tp_btf", event: "sched_process_exec" } }),
  ...scopeProbes,
};

function oneWay(observes: string, programs: ProbeGroup["strategies"][0]["programs"]): ProbeGroup {
  return { observes, strategies: [{ name: Object.values(programs).flat()[0]!.kind, programs }] };
}

/** A shell: names of its program and of the library that may hold its line editor, and what is probed in either. */
type Shell = Readonly<{ program: RegExp; library: RegExp; probes: readonly FileProbe[] }>;

const bash: Shell = {
  program: /(^|[^a-z])r?bash([^a-z]|$)/,
  library: /^libreadline\.so/,
  // Both see each line, and the programs tell it once.
  probes: [
    { program: "bash_edited", kind: "uretprobe", symbol: "readline_internal_teardown", optional: true },
    { program: "bash_readline", kind: "uretprobe", symbol: "readline", optional: true },
  ],
};
const zsh: Shell = {
  program: /(^|[^a-z])r?zsh([^a-z]|$)/,
  library: /^zle\.so$/,
  probes: [
    { program: "zsh_edit", kind: "uprobe", symbol: "zlecore", optional: true },
    { program: "zsh_edited", kind: "uprobe", symbol: "freeundo", optional: true },
    { program: "zsh_line", kind: "uretprobe", symbol: "zlegetline", optional: true },
  ],
};
/** It exports no line editor, but writes each command to its history. */
const fish: Shell = {
  program: /(^|[^a-z])fish([^a-z]|$)/,
  library: /^(libc\.so|libc-|ld-musl)/,
  probes: [{ program: "fish_write", kind: "uprobe", symbol: "write", optional: true }],
};

const hasName = ({ program, library }: Shell, path: string, isProgram: boolean): boolean =>
  (isProgram ? program : library).test(basename(path));

/** Probes the line editors of shells as they start. @param found is told of each shell while it lives */
export async function followShells(context: PluginContext<Config>, found: (pid: number) => void): Promise<void> {
  const shells = [bash, ...(context.config.shell_zsh ? [zsh] : []), ...(context.config.shell_fish ? [fish] : [])];
  await attachToFiles(context, {
    what: "shells",
    // zsh loads its editor for a prompt only.
    expects: ({ path }) => (hasName(zsh, path, true) ? undefined : "line editor"),
    wanted: (path, isProgram) => shells.some((shell) => hasName(shell, path, isProgram)),
    // A library's other users are not watched: a line typed into a debugger is no command.
    probesFor: ({ path, program, isProgram }) =>
      shells.find((shell) => hasName(shell, program, true) && hasName(shell, path, isProgram))?.probes ?? [],
    perProcess: ({ isProgram }) => !isProgram,
    // Commands may be piped into the first shell of a host: they are read before an exec could be answered.
    ahead: ["bin/bash", "usr/local/bin/bash"].map((path) => join(context.host.fsRoot, path)),
    attached: ({ pid }) => found(pid),
  });
}
