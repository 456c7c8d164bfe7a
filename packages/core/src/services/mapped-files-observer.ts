// SPDX-License-Identifier: MIT

import { messageOf } from "../internal/failure.js";
import { silentLogger, type Logger } from "../logger.js";
import type { Clock, Timer } from "../scheduler/clock.js";
import type { Scope } from "../scope.js";
import { MappedFilesProc, type Mapping } from "./mapped-files-proc.js";
import { Watch } from "./mapped-files-watch.js";
import type { FileWatcher, MappedFile, MappedFiles } from "./mapped-files.js";
import type { ProcessEvent, ProcessTable } from "./process-table.js";
import { processesInScope } from "./processes-in-scope.js";

export interface MappedFilesOptions {
  /** The host's /proc. */
  readonly procRoot: string;
  readonly clock: Clock;
  readonly scope: Scope;
  /** Tells of forks, execs and exits in scope, if anybody feeds it. */
  readonly processes: Pick<ProcessTable, "subscribe">;
  readonly log?: Logger;
}

/** Waits between looks at a process after its exec: the dynamic linker maps most libraries within a millisecond or two. */
const closeLooksMs: readonly number[] = [1, 1, 3, 5, 10, 30, 50, 100, 300, 500];
/** Of a program whose libraries are known, or when there is no keeping up. */
const fewLooksMs: readonly number[] = [100, 900];
/** A fork is most often followed by an exec; only who stays what its parent was is looked at. */
const forkLooksMs: readonly number[] = [10];
/** Processes under observation after an exec, beyond which each gets few looks. */
const crowd = 200;
/** Between walks over all processes, for libraries loaded later; oftener while nobody tells of execs. */
const rescanMs = 30_000;
const rescanUnfedMs = 5_000;
/** A walk takes at most this share of the time. */
const rescanShare = 1 / 50;
/** Longest stretch of a walk before the event loop gets its turn, milliseconds. */
const sliceMs = 5;
/** Programs whose libraries are remembered. */
const maxLearned = 4_096;

/** A process in scope and the program it was seen with. */
interface Runner {
  readonly program: MappedFile;
  readonly startTicks: number | undefined;
  /** Libraries that somebody wants, by inode and path. */
  readonly libraries: Map<string, MappedFile>;
}

/** What a program maps, learnt from earlier processes. */
interface Learned {
  readonly paths: Set<string>;
  /** One of them lived long enough to have shown everything that is mapped at its start. */
  complete: boolean;
}

/** The default MappedFiles: /proc alone, read when something happens. Without watchers it does nothing; `close` ends all watching. */
export function createMappedFiles(options: MappedFilesOptions): MappedFiles & { close(): void } {
  return new ProcMappedFiles(options);
}

class ProcMappedFiles implements MappedFiles {
  readonly #proc: MappedFilesProc;
  readonly #log: Logger;
  readonly #watches = new Set<Watch>();
  readonly #runners = new Map<number, Runner>();
  /** The next look at a process. */
  readonly #looks = new Map<number, Timer>();
  /** By program id. */
  readonly #learned = new Map<string, Learned>();
  #unsubscribe: (() => void) | undefined;
  #rescan: Timer | undefined;
  #fed = false;

  constructor(private readonly options: MappedFilesOptions) {
    this.#proc = new MappedFilesProc(options.procRoot);
    this.#log = options.log ?? silentLogger;
  }

  async watch(watcher: FileWatcher): Promise<{ close(): void }> {
    const watch = new Watch(watcher, this.#log);
    this.#watches.add(watch);
    this.#unsubscribe ??= this.options.processes.subscribe((event) => this.#apply(event));
    const startedMs = this.options.clock.now();
    await this.#walk();
    this.#scheduleRescan(startedMs);
    return { close: () => this.#close(watch) };
  }

  close(): void {
    for (const watch of this.#watches) this.#close(watch);
  }

  #close(watch: Watch): void {
    if (!this.#watches.delete(watch) || this.#watches.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#rescan?.cancel();
    this.#rescan = undefined;
    for (const timer of this.#looks.values()) timer.cancel();
    this.#looks.clear();
    this.#runners.clear();
  }

  /** Events are of processes in scope: the kernel has asked. */
  #apply({ kind, pid }: ProcessEvent): void {
    this.#fed = true;
    switch (kind) {
      case "fork":
        return this.#lookLater(pid, forkLooksMs);
      case "exec":
        return this.#executed(pid);
      case "exit":
        return this.#ended(pid);
    }
  }

  #executed(pid: number): void {
    this.#ended(pid);
    const runner = this.#meet(pid);
    if (runner === undefined) return; // it was quick
    this.#tell(runner.program);
    const learned = this.#learned.get(runner.program.id);
    for (const path of learned?.paths ?? []) {
      const file = this.#proc.byName(runner.program, path);
      if (file !== undefined) this.#tell(file);
    }
    this.#lookLater(pid, learned?.complete || this.#looks.size > crowd ? fewLooksMs : closeLooksMs);
  }

  #lookLater(pid: number, waitsMs: readonly number[], index = 0): void {
    const look = () => {
      this.#looks.delete(pid);
      this.#visit(pid);
      if (index + 1 < waitsMs.length) this.#lookLater(pid, waitsMs, index + 1);
      else if (waitsMs === closeLooksMs) this.#learnedAll(pid);
    };
    this.#looks.get(pid)?.cancel();
    this.#looks.set(pid, this.options.clock.after(waitsMs[index]!, look));
  }

  #ended(pid: number): void {
    this.#looks.get(pid)?.cancel();
    this.#looks.delete(pid);
    if (this.#runners.delete(pid)) for (const watch of this.#watches) watch.ended(pid);
  }

  /** Compares what is known of a process with /proc and tells what is new. */
  #visit(pid: number): void {
    const known = this.#runners.get(pid);
    const program = this.#proc.program(pid);
    if (known !== undefined && (program?.id !== known.program.id || this.#proc.startTicks(pid) !== known.startTicks)) {
      this.#ended(pid);
    }
    const runner = this.#runners.get(pid) ?? this.#meet(pid, program);
    if (runner === undefined) return;
    this.#tell(runner.program);
    for (const mapping of this.#proc.mappings(pid)) {
      if (mapping.path !== runner.program.path && this.#isWanted(mapping.path)) this.#tellLibrary(runner, mapping);
    }
  }

  #meet(pid: number, program = this.#proc.program(pid)): Runner | undefined {
    if (program === undefined) return undefined;
    const runner = { program, startTicks: this.#proc.startTicks(pid), libraries: new Map() };
    this.#runners.set(pid, runner);
    return runner;
  }

  #tellLibrary(runner: Runner, mapping: Mapping): void {
    const key = `${mapping.inode} ${mapping.path}`;
    const file = runner.libraries.get(key) ?? this.#proc.library(runner.program, mapping);
    if (file === undefined) return;
    runner.libraries.set(key, file);
    this.#learnedOf(runner.program.id).paths.add(file.path);
    this.#tell(file);
  }

  #tell(file: MappedFile): void {
    for (const watch of this.#watches) watch.found(file);
  }

  #isWanted(path: string): boolean {
    for (const watch of this.#watches) if (watch.wants(path, false)) return true;
    return false;
  }

  #learnedOf(program: string): Learned {
    let learned = this.#learned.get(program);
    if (learned === undefined) {
      this.#learned.set(program, (learned = { paths: new Set(), complete: false }));
      if (this.#learned.size > maxLearned) this.#learned.delete(this.#learned.keys().next().value!);
    }
    return learned;
  }

  #learnedAll(pid: number): void {
    const runner = this.#runners.get(pid);
    if (runner !== undefined) this.#learnedOf(runner.program.id).complete = true;
  }

  #scheduleRescan(walkStartedMs: number): void {
    if (this.#watches.size === 0) return;
    const { clock } = this.options;
    const now = clock.now();
    const waitMs = Math.max(this.#fed ? rescanMs : rescanUnfedMs, (now - walkStartedMs) / rescanShare);
    this.#rescan?.cancel();
    this.#rescan = clock.after(waitMs, () => {
      const startedMs = clock.now();
      this.#walk()
        .catch((error: unknown) =>
          this.#log.error({ event: "mapped-files", error: messageOf(error) }, "/proc could not be read"),
        )
        .finally(() => this.#scheduleRescan(startedMs));
    });
  }

  /** Visits every process in scope. Who is known stays in scope, also where its parent is gone or it changed its cgroup. */
  async #walk(): Promise<void> {
    const { clock, scope, procRoot } = this.options;
    const known = [...this.#runners.keys()];
    const isInScope = processesInScope(scope, procRoot);
    const alive = new Set(this.#proc.pids());
    for (const pid of known) if (!alive.has(pid)) this.#ended(pid);
    let sliceEnd = clock.now() + sliceMs;
    for (const pid of alive) {
      if (this.#watches.size === 0) return;
      if (this.#runners.has(pid) || isInScope(pid)) this.#visit(pid);
      if (clock.now() < sliceEnd) continue;
      await new Promise<void>((resolve) => void clock.soon(resolve));
      sliceEnd = clock.now() + sliceMs;
    }
  }
}
