// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { SkepError, type Exporter } from "@skep/core";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parsePluginFlags, splitCommandLine } from "./arguments.js";
import { doctor, type DoctorOptions } from "./commands/doctor.js";
import { linker, linkerSections, type LinkerOptions } from "./commands/linker.js";
import { plugins } from "./commands/plugins.js";
import { replay, type ReplayOptions } from "./commands/replay.js";
import { run, type RunOptions } from "./commands/run.js";
import { top } from "./commands/top.js";
import { requirements } from "./diagnosis.js";
import { ExitStatus, exitStatusOf } from "./exit-status.js";
import { createLog, logError } from "./log.js";
import { outputs } from "./output.js";
import { keysHelp, keysHelpOf } from "./run-help.js";

export interface CliOptions {
  /** Further exporters for `skep run`. */
  readonly exporters?: readonly Exporter[];
  /** True when the process does nothing else: once attached it gives up what capabilities it does not need. Default false. */
  readonly ownsProcess?: boolean;
}

/**
 * Runs the `skep` command: `argv` is what follows its name. Resolves to the exit status; never rejects. Points go to stdout, all
 * else to stderr.
 */
export async function runCli(
  argv: readonly string[],
  { exporters = [], ownsProcess = false }: CliOptions = {},
): Promise<number> {
  const { own, command } = splitCommandLine(argv);
  let status: number = ExitStatus.done;
  const program = createProgram({
    async run(options, keys) {
      if (command?.length === 0) throw new SkepError("SKEP_ERR_CONFIG", "no COMMAND after --");
      status = await run({ options, flags: parsePluginFlags(keys), command, exporters, ownsProcess });
    },
    async record(file, options, keys) {
      if (command?.length === 0) throw new SkepError("SKEP_ERR_CONFIG", "no COMMAND after --");
      status = await run({ options, flags: parsePluginFlags(keys), command, exporters, ownsProcess, recordTo: file });
    },
    async replay(file, options, keys) {
      status = await replay({ file, options, flags: parsePluginFlags(keys), exporters });
    },
    async top(options, keys) {
      if (command !== undefined) {
        throw new SkepError("SKEP_ERR_CONFIG", "skep top starts no COMMAND", {
          hint: "start it elsewhere and look at it alone: skep top --scope-pid PID",
        });
      }
      status = await top({ options, flags: parsePluginFlags(keys) });
    },
    async doctor(options) {
      status = await doctor(options);
    },
    async linker(options, keys) {
      status = await linker({ options, flags: parsePluginFlags(keys), exporters });
    },
    plugins,
  });
  try {
    await program.parseAsync(own, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitStatus.done; // --help, --version
    const failure = error instanceof CommanderError ? usageError(error) : error;
    logError(createLog({ level: "error" }), failure);
    return exitStatusOf(failure);
  }
}

interface Actions {
  run(options: RunOptions, keys: readonly string[]): Promise<void>;
  record(file: string, options: RunOptions, keys: readonly string[]): Promise<void>;
  top(options: RunOptions, keys: readonly string[]): Promise<void>;
  replay(file: string, options: ReplayOptions, keys: readonly string[]): Promise<void>;
  doctor(options: DoctorOptions): Promise<void>;
  linker(options: LinkerOptions, keys: readonly string[]): Promise<void>;
  plugins(options: { json?: boolean }): Promise<void>;
}

function createProgram(actions: Actions): Command {
  const program = new Command("skep")
    .description("eBPF observability for Linux: what processes say to the network, as points")
    .version(ownVersion())
    .exitOverride()
    .configureOutput({ writeErr: () => {} }); // told as a log line instead

  observing(program.command("run"))
    .description("run the agent; with a COMMAND, observe it and its children alone and exit with its status")
    .usage("[options] [-- COMMAND ARGS...]")
    .addOption(
      new Option("--backend <name>", "where observations come from").choices(["libbpf", "replay"]).default("libbpf"),
    )
    .option("--recording <file>", "what --backend replay plays")
    .action((options: RunOptions, invoked: Command) => actions.run(options, invoked.args));

  observing(program.command("record").argument("<file>", "the recording; must not exist yet"))
    .description("run the agent and write down everything it learns: skep replay makes the same points of it")
    .usage("FILE [options] [-- COMMAND ARGS...]")
    .action((file: string, options: RunOptions, invoked: Command) =>
      actions.record(file, options, invoked.args.slice(1)),
    );

  observing(program.command("top"), false)
    .description("a live view: connections, requests, names, commands; sorted, filtered")
    .usage("[options]")
    .option("--recording <file>", "look at what skep record has written instead")
    .action((options: RunOptions, invoked: Command) => actions.top(options, invoked.args));

  program
    .command("replay")
    .argument("<file>", "what skep record has written")
    .description("make the points of a recording again, without kernel and privileges")
    .addOption(outputOption())
    .option("--partial", "play what there is of a recording that was cut off")
    .allowUnknownOption()
    .allowExcessArguments()
    .action((file: string, options: ReplayOptions, invoked: Command) =>
      actions.replay(file, options, invoked.args.slice(1)),
    );

  program
    .command("linker")
    .description("take spans of any number of agents, tie them into traces and hand these on")
    .usage("[options]")
    .addOption(
      new Option(
        "--output <where>",
        "what goes to stdout (default: ndjson if nothing else takes traces, else none)",
      ).choices(outputs),
    )
    .option("--config <file>", "configuration, TOML ([[inputs.ebpftrace]]) or YAML")
    .option("--duration <time>", "stop by itself, such as 30s")
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText("after", () => keysHelpOf(linkerSections, "ebpftrace"))
    .action((options: LinkerOptions, invoked: Command) => actions.linker(options, invoked.args));

  program
    .command("doctor")
    .description("what this host lets each plugin see, and how to mend what is missing")
    .option("--json", "for programs")
    .option("--plugin <name>", "only this plugin")
    .addOption(
      new Option(
        "--require <how-much>",
        "status 3 unless so much works: every plugin in full, every plugin at least reduced, or any plugin",
      )
        .choices(requirements)
        .default("any"),
    )
    .option("--config <file>", "configuration whose btf_path counts")
    .option("--btf-path <path>", "BTF of this kernel, or a directory that has it")
    .action((options: DoctorOptions) => actions.doctor(options));

  program
    .command("plugins")
    .description("every plugin that can be found: its measurements, configuration and needs")
    .option("--json", "for programs")
    .action((options: { json?: boolean }) => actions.plugins(options));

  return program;
}

const outputOption = (): Option =>
  new Option("--output <where>", "what goes to stdout (default: table on a terminal, else ndjson)").choices(outputs);

/** Options of what runs an agent on this kernel, and the keys of the configuration. */
const observing = (command: Command, hasOutput = true): Command =>
  (hasOutput ? command.addOption(outputOption()) : command)
    .option("--config <file>", "configuration, TOML ([[inputs.ebpf]]) or YAML")
    .option("--duration <time>", "stop by itself, such as 30s")
    .option("--scope-cgroup <path>", "observe only this cgroup v2 directory (repeatable)", append)
    .option("--scope-pid <pid>", "observe only this process and its children (repeatable)", appendPid)
    .option("--scope-netns <path>", "observe only this network namespace (repeatable)", append)
    .option("--strategy <group=name>", "force the strategy of a probe group (repeatable)", appendStrategy)
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText("after", keysHelp);

const append = (value: string, before: readonly string[] = []): string[] => [...before, value];

function appendPid(value: string, before: readonly number[] = []): number[] {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError("It is not a process id.");
  return [...before, Number(value)];
}

function appendStrategy(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [group, name, ...more] = value.split("=");
  if (!group || !name || more.length > 0) throw new InvalidArgumentError("Write GROUP=NAME.");
  return { ...before, [group]: name };
}

function usageError(error: CommanderError): SkepError {
  return new SkepError("SKEP_ERR_CONFIG", error.message.replace(/^error: /, ""), {
    hint: "see skep --help",
    cause: error,
  });
}

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
