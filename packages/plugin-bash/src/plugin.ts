// SPDX-License-Identifier: MIT

import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { type Cursor, definePlugin, MappedFiles, type PluginContext } from "@skep/core";
import { z } from "zod";
import { commandRecord } from "./codec.gen.js";
import { lineOf, lineOfExec, lineOfFish, lineOfZle } from "./command.js";
import { LoginNames } from "./login-names.js";
import { commands, messageOf } from "./measurement.js";
import { followShells, probes } from "./shells.js";

const config = z.strictObject({
  shell_zsh: z.boolean().default(false).describe("report what is typed into zsh too"),
  shell_fish: z.boolean().default(false).describe("report what fish puts into its history too"),
  shell_exec: z.boolean().default(false).describe("report `bash -c COMMAND` and scripts that bash runs too"),
  shell_cwd: z.boolean().default(false).describe("add the working directory of the shell as tag `cwd`"),
  shell_tty: z.boolean().default(false).describe("add the terminal of the shell as tag `tty`"),
});
export type Config = z.infer<typeof config>;

/** What the text of a record is, and so how it becomes a command: enum command_source of bpf/bash.h. */
const readers = [undefined, lineOf, lineOfZle, lineOfExec, lineOfFish];

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
  load: (wanted) => ({ without: (["zsh", "fish", "exec"] as const).filter((name) => !wanted[`shell_${name}`]) }),

  setup(context) {
    const users = new LoginNames(context.host.procRoot);
    context.ring("commands").on((record) => report(context, users, record));
    return { start: () => followShells(context, (pid) => users.look(pid)) };
  },
});

function report(context: PluginContext<Config>, users: LoginNames, record: Cursor): void {
  const { length, source, tgid, uid, timeNsBig } = commandRecord;
  const text = record.bytes.subarray(record.at + textOffset, record.at + textOffset + length(record));
  const { cmd = "", truncated } = readers[source(record)]?.(text) ?? {};
  if (cmd.trim() === "") return context.drop("no_command");
  const pid = tgid(record);
  const user = context.fact(`user ${pid} ${uid(record)}`, () => users.nameOf(pid, uid(record)));
  const time = context.bootTime() + timeNsBig(record);
  const message = messageOf(time, pid, user, truncated ? `${cmd}...` : cmd);
  // Read a moment after the line was handed over: `cd` may already have run.
  const cwd = context.config.shell_cwd ? linkOf(context, pid, "cwd") : undefined;
  const tty = context.config.shell_tty ? linkOf(context, pid, "fd/0")?.match(/^\/dev\/.*/)?.[0] : undefined;
  const fields = { cmd, message, pid: String(pid), user, truncated: truncated || undefined };
  context.emit(commands.point(time, { cwd, tty }, fields));
}
const textOffset = commandRecord.layout.fields.find(({ name }) => name === "text")!.offset;

function linkOf({ host, fact }: PluginContext<Config>, pid: number, link: string): string | undefined {
  return fact(`link ${pid} ${link}`, () => {
    try {
      return readlinkSync(join(host.procRoot, String(pid), link));
    } catch {
      return undefined; // the process is gone
    }
  });
}
