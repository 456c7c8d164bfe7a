// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { ControlReader } from "./control.js";
import { findProgram } from "./exec.js";
import { type Machine, type Qemu, ports, qemuArguments } from "./qemu.js";

/** How long a guest may take, in milliseconds. */
export interface Deadlines {
  /** From starting QEMU to the job's start. */
  readonly bootMs: number;
  /** From the job's start to its end. */
  readonly jobMs: number;
}

/** Where a guest's output goes while it comes. */
export interface Sinks {
  readonly out: (bytes: Buffer) => void;
  readonly err: (bytes: Buffer) => void;
}

/**
 * How a machine ended. `exited`: the job ran to its end. `late`: the job ran into its deadline.
 * `lost`: the machine never started the job, or was gone before it ended.
 */
export type Ending =
  | { readonly kind: "exited"; readonly status: number; readonly release: string; readonly bootMs: number }
  | { readonly kind: "late"; readonly release: string }
  | { readonly kind: "lost"; readonly reason: string };

export interface MachineResult {
  readonly ending: Ending;
  /** What the kernel wrote to its console. */
  readonly serialLog: string;
}

// The last bytes of the job's output come through other ports than its exit status.
const settleMs = 100;

/** Runs one machine to its end, whatever that is. QEMU is gone when this resolves. */
export async function runMachine(
  qemu: Qemu,
  machine: Machine,
  deadlines: Deadlines,
  sinks: Sinks,
): Promise<MachineResult> {
  const started = performance.now();
  const child = start(qemu, machine);
  const serial = collect(child);
  const ending = await new Promise<Ending>((resolve) => {
    let release: string | undefined;
    let bootMs = 0;
    let lastOutput = 0;
    const lose = (reason: string) => resolve({ kind: "lost", reason });
    let timer = setTimeout(() => lose(`no job after ${deadlines.bootMs / 1000} s`), deadlines.bootMs);
    const control = new ControlReader({
      boot(name) {
        release = name;
        bootMs = performance.now() - started;
        clearTimeout(timer);
        timer = setTimeout(() => resolve({ kind: "late", release: name }), deadlines.jobMs);
      },
      exit(status) {
        clearTimeout(timer);
        const whenSettled = () => {
          if (performance.now() - lastOutput < settleMs) setTimeout(whenSettled, settleMs);
          else resolve({ kind: "exited", status, release: release ?? "", bootMs });
        };
        lastOutput = performance.now();
        setTimeout(whenSettled, settleMs);
      },
    });
    stream(child, "control").on("data", (bytes: Buffer) => control.push(bytes));
    for (const name of ["out", "err"] as const) {
      stream(child, name).on("data", (bytes: Buffer) => {
        lastOutput = performance.now();
        sinks[name](bytes);
      });
    }
    child.once("error", (error) => lose(`QEMU does not start: ${error.message}`));
    child.once("exit", () => {
      clearTimeout(timer);
      lose(release === undefined ? "the machine ended before the job began" : "the machine ended before the job did");
    });
  });
  await stop(child);
  return { ending, serialLog: serial() };
}

function start(qemu: Qemu, machine: Machine): ChildProcess {
  const command = [qemu.program, ...qemu.args, ...qemuArguments(machine)];
  // Whatever ends this process, the machine shall not outlive it.
  const setpriv = findProgram("setpriv");
  if (setpriv !== undefined) command.unshift(setpriv, "--pdeathsig", "KILL");
  const [program = "", ...args] = command;
  const console = machine.interactive
    ? (["inherit", "inherit", "inherit"] as const)
    : (["ignore", "pipe", "pipe"] as const);
  return spawn(program, args, { env: qemu.env, stdio: [...console, "pipe", "pipe", "pipe"] });
}

function stream(child: ChildProcess, port: keyof typeof ports): Readable {
  // Typed as a tuple of five; there are as many as `spawn` was asked for.
  return (child.stdio as readonly unknown[])[ports[port]] as Readable;
}

function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  for (const source of [child.stdout, child.stderr]) source?.on("data", (bytes: Buffer) => chunks.push(bytes));
  return () => Buffer.concat(chunks).toString("utf8");
}

/** Nothing in the machine is worth an orderly end: its disks are snapshots. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
