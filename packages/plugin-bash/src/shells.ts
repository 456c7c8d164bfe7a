// SPDX-License-Identifier: MIT

import { basename } from "node:path";
import { attachToFiles, type FileProbe, type PluginContext } from "@skep/core";

const isBash = (path: string) => /(^|[^a-z])r?bash([^a-z]|$)/.test(basename(path));
const isZsh = (path: string) => /(^|[^a-z])r?zsh([^a-z]|$)/.test(basename(path));
const isReadline = (path: string) => /^libreadline\.so/.test(basename(path));
const isZle = (path: string) => basename(path) === "zle.so";

/** Both see each line; the programs tell it once. */
const bashProbes: readonly FileProbe[] = [
  { program: "bash_edited", kind: "uretprobe", symbol: "readline_internal_teardown", optional: true },
  { program: "bash_readline", kind: "uretprobe", symbol: "readline", optional: true },
];
const zshProbes: readonly FileProbe[] = [{ program: "zsh_line", kind: "uretprobe", symbol: "zleread", optional: true }];

/** Time between two looks at shells in which no line editor was found. */
const lookMs = 5_000;

/** Probes the line editors of shells: in the shell's own program, or in a library that it maps. */
export async function followShells(
  context: PluginContext<unknown>,
  withZsh: boolean,
  found: (pid: number) => void,
): Promise<void> {
  /** Shells without a probe (yet: libraries come after the program), and how to say that one was found after all. */
  const unseen = new Map<number, { readonly path: string; looks: number; takeBack?: () => void }>();
  const seen = (pid: number) => {
    unseen.get(pid)?.takeBack?.();
    unseen.delete(pid);
  };
  await attachToFiles(context, {
    what: "shells",
    wanted: (path, isProgram) =>
      isProgram ? isBash(path) || (withZsh && isZsh(path)) : isReadline(path) || (withZsh && isZle(path)),
    probesFor({ path, program }) {
      if (isZle(path) || isZsh(program)) return zshProbes;
      // Many programs use libreadline; a line typed into a debugger is no command.
      return isBash(program) ? bashProbes : [];
    },
    perProcess: ({ path }) => isReadline(path),
    attached({ pid, path, isProgram }, probes) {
      found(pid);
      if (probes > 0) seen(pid);
      else if (isProgram) unseen.set(pid, { path, looks: 0 });
    },
    gone: ({ pid, isProgram }) => isProgram && seen(pid),
  });
  context.every(lookMs, () => {
    for (const [pid, shell] of unseen) {
      if (++shell.looks !== 2) continue;
      const reason = `${shell.path} (process ${pid}) exports no line editor: what is typed there is not seen`;
      shell.takeBack = context.degrade(reason);
    }
  });
}
