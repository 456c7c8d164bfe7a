// SPDX-License-Identifier: MIT

import type { BpfMap, PluginContext, ProcessEvent, ProcessTable } from "@skep/core";
import type { TraceConfig } from "../config.js";
import { type Environment, readEnvironment } from "./environment.js";
import { Rules } from "./rules.js";

/** A process that may be traced. */
export interface TracedProcess {
  readonly name: string;
  /** What it is called in spans. */
  readonly service: string;
}

interface Verdict {
  readonly name: string;
  readonly startTicks: number;
  /** Undefined: not to be traced. */
  readonly process: TracedProcess | undefined;
}

/** Verdicts that are remembered. */
const MOST_KNOWN = 65_536;
const YES = Uint8Array.of(1);

/**
 * Which processes are traced, and what they are called. Decided at exec, and else when a process is first seen at work, so for
 * those that ran before us too. The kernel is told of those that are not: nothing of them is observed any more.
 */
export class TracedProcesses {
  readonly #rules: Rules;
  readonly #verdicts = new Map<number, Verdict>();
  readonly #key = new Uint32Array(1);
  readonly #unsubscribe: () => void;

  /** @param denied `trace_denied` */
  constructor(
    private readonly context: Pick<PluginContext<TraceConfig>, "config" | "host" | "fact">,
    private readonly table: ProcessTable,
    private readonly denied: BpfMap,
  ) {
    this.#rules = new Rules(context.config);
    this.#unsubscribe = table.subscribe((event) => this.#apply(event));
  }

  /** The process with this pid, if it is to be traced. */
  get(pid: number): TracedProcess | undefined {
    const known = this.#verdicts.get(pid);
    const entry = this.table.get(pid);
    // One that is gone keeps its verdict; one whose name is another has called exec, and one that started elsewhen is another.
    const isSame =
      known !== undefined &&
      (entry === undefined || (entry.name === known.name && Math.abs(entry.startTicks - known.startTicks) <= 3));
    return isSame ? known.process : this.#judge(pid);
  }

  close(): void {
    this.#unsubscribe();
  }

  #apply({ kind, pid }: ProcessEvent): void {
    if (kind === "exec") this.#judge(pid);
    else if (kind === "fork") this.#forget(pid);
  }

  #judge(pid: number): TracedProcess | undefined {
    const { name = "", startTicks = 0 } = this.table.get(pid) ?? {};
    const environment = this.#environmentOf(pid, startTicks, name);
    const isTraced = pid !== process.pid && this.#rules.allow(name, environment.names);
    const traced = isTraced ? { name, service: environment.service || name } : undefined;
    if (this.#verdicts.size >= MOST_KNOWN) this.#verdicts.delete(this.#verdicts.keys().next().value!);
    this.#verdicts.set(pid, { name, startTicks, process: traced });
    this.#tell(pid, isTraced);
    return traced;
  }

  #forget(pid: number): void {
    if (this.#verdicts.delete(pid)) this.#tell(pid, true);
  }

  /** A recording keeps what was decided by, so that a replay decides the same. */
  #environmentOf(pid: number, startTicks: number, name: string): Environment {
    const { host, fact } = this.context;
    const nothing: Environment = { names: [], service: "" };
    return fact(
      `environ:${pid}:${startTicks}:${name}`,
      () => readEnvironment(host.procRoot, pid, this.#rules.variables) ?? nothing,
    );
  }

  #tell(pid: number, isTraced: boolean): void {
    this.#key[0] = pid;
    const key = new Uint8Array(this.#key.buffer);
    if (isTraced) this.denied.delete(key);
    else this.denied.update(key, YES);
  }
}
