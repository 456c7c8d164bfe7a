// SPDX-License-Identifier: MIT

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { libbpfBackend } from "@skep/backend-libbpf";
import { type Session, silentLogger } from "@skep/core";

/** Records or entries that one getppid() makes: BATCH of c/records.bpf.c. */
export const BATCH = 100;

/** One reading as a consumer reports it: how long, how many, and a sum over the fields that were touched. */
export interface Reading {
  readonly ns: number;
  readonly count: number;
  readonly sum: number;
}

/** The compiled C side: the BPF object and the consumer to measure against. */
export class Compiled {
  readonly #directory = mkdtempSync(join(tmpdir(), "skep-bench-"));
  readonly object = join(this.#directory, "records.bpf.o");
  readonly consumer = join(this.#directory, "consumer");

  constructor() {
    const source = (name: string) => fileURLToPath(new URL(`../c/${name}`, import.meta.url));
    const headers = `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
    const bpf = ["-g", "-O2", "-target", "bpf", headers];
    execFileSync("clang-14", [...bpf, "-c", source("records.bpf.c"), "-o", this.object]);
    execFileSync("cc", ["-O2", "-o", this.consumer, source("consumer.c"), "-lbpf"]);
  }

  /** A session whose program answers to the getppid() of `pid`. */
  async open(program: "make_records" | "make_entries", pid: number, ringBytes?: number): Promise<Session> {
    const session = await libbpfBackend().open({
      plugin: "bench",
      objects: { records: readFileSync(this.object) },
      probes: {
        all: {
          observes: "getppid",
          strategies: [{ name: "raw", programs: { [program]: { kind: "raw_tp", event: "sys_enter" } } }],
        },
      },
      rodata: { target_tgid: pid },
      mapEntries: ringBytes === undefined ? {} : { records: ringBytes },
      scope: {},
      log: silentLogger,
    });
    await session.attach();
    return session;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

/** A command that answers each line of its input with a line. */
export class LineCommand {
  readonly child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(path: string, args: readonly string[]) {
    this.child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask(): Promise<readonly number[]> {
    this.child.stdin!.write("\n");
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.child.spawnfile} ended`);
    return (value as string).split(" ").map(Number);
  }

  end(): void {
    this.child.stdin!.end();
  }
}

/** Makes this process call getppid() until `count` records or entries were made for it. */
export function make(count: number): void {
  for (let made = 0; made < count; made += BATCH) void process.ppid;
}

/** What the program counted: made and lost. */
export function totalsOf(session: Session): { readonly made: number; readonly lost: number } {
  const [made, lost] = new BigUint64Array(session.map("totals").lookup(new Uint8Array(4))!.buffer);
  return { made: Number(made), lost: Number(lost) };
}

/** Checks a bound and prints it. */
export function judge(what: string, value: number, bound: string, holds: boolean): boolean {
  console.log(`${holds ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (bound ${bound})`);
  return holds;
}
