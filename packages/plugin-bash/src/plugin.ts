// SPDX-License-Identifier: MIT

import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { type Cursor, definePlugin, MappedFiles, type PluginContext, type ProbeGroup, scopeProbes } from "@skep/core";
import { z } from "zod";
import { commandRecord } from "./codec.gen.js";
import { type Command, lineOf, lineOfExec, lineOfZle } from "./command.js";
import { LoginNames } from "./login-names.js";
import { commands, messageOf } from "./measurement.js";
import { followShells } from "./shells.js";

const config = z.strictObject({
  shell_zsh: z.boolean().default(false).describe("report what is typed into zsh too"),
  shell_exec: z.boolean().default(false).describe("report `bash -c COMMAND` and scripts that bash runs too"),
  shell_cwd: z.boolean().default(false).describe("add the working directory of the shell as tag `cwd`"),
  shell_tty: z.boolean().default(false).describe("add the terminal of the shell as tag `tty`"),
});
type Config = z.infer<typeof config>;

const probes = {
  readline: {
    observes: "lines typed into bash, as its line editor hands them over",
    strategies: [
      {
        name: "uretprobe",
        // Without a target: they are attached to the shells that are found.
        programs: { bash_edited: { kind: "uretprobe" }, bash_readline: { kind: "uretprobe" } },
      },
    ],
  },
  zle: {
    observes: "lines typed into zsh",
    optional: true,
    strategies: [{ name: "uretprobe", programs: { zsh_line: { kind: "uretprobe" } } }],
  },
  exec: {
    observes: "arguments of bash when it is executed",
    optional: true,
    strategies: [{ name: "tp_btf", programs: { bash_exec: { kind: "tp_btf", event: "sched_process_exec" } } }],
  },
  ...scopeProbes,
} as const satisfies Record<string, ProbeGroup>;

/** enum command_source of bpf/bash.h: what a record's text is, and how it becomes a command. */
const readers: Readonly<Record<number, (text: Uint8Array) => Command | undefined>> = {
  1: lineOf,
  2: lineOfZle,
  3: lineOfExec,
};

/** `ebpf-bash`: the commands that are typed into shells, as they are handed to the shell. */
export const bash = definePlugin({
  name: "ebpf-bash",
  version: "0.1.0",
  description: "Commands typed into bash, with process and user",
  config,
  measurements: [commands],
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"],
  objects: {
    bash: {
      x64: new URL("../dist/bpf/bash.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/bash.arm64.bpf.o", import.meta.url),
    },
  },
  probes,
  streams: { commands: { map: "commands", codec: commandRecord } },
  uses: [MappedFiles],

  load: (wanted) => ({ without: [...(wanted.shell_zsh ? [] : ["zle"]), ...(wanted.shell_exec ? [] : ["exec"])] }),

  setup(context) {
    const users = new LoginNames(context.host);
    context.ring("commands").on((record) => report(context, users, record));
    return { start: () => followShells(context, context.config.shell_zsh, (pid) => users.remember(pid)) };
  },
});

function report(context: PluginContext<Config>, users: LoginNames, record: Cursor): void {
  const start = record.at + textOffset;
  const text = record.bytes.subarray(start, start + commandRecord.length(record));
  const command = readers[commandRecord.source(record)]?.(text);
  if (command === undefined) return context.drop("interactive");
  const { cmd, truncated } = command;
  if (cmd.trim() === "") return context.drop("blank");
  const pid = commandRecord.tgid(record);
  const user = users.nameOf(pid, commandRecord.uid(record));
  const time = context.bootTime() + commandRecord.timeNsBig(record);
  const message = messageOf(time, pid, user, truncated ? `${cmd}...` : cmd);
  const { shell_cwd, shell_tty } = context.config;
  const tags = {
    cwd: shell_cwd ? linkOf(context, pid, "cwd") : undefined,
    tty: shell_tty ? linkOf(context, pid, "fd/0")?.replace(/^(?!\/dev\/).*/s, "") || undefined : undefined,
  };
  context.emit(commands.point(time, tags, { cmd, message, pid: String(pid), user, truncated: truncated || undefined }));
}

const textOffset = commandRecord.layout.fields.find(({ name }) => name === "text")!.offset;

/** What a link in /proc/PID leads to. Read a moment after the line was taken: `cd` may already have run. */
function linkOf({ host }: PluginContext<Config>, pid: number, link: string): string | undefined {
  try {
    return readlinkSync(join(host.procRoot, String(pid), link));
  } catch {
    return undefined;
  }
}
