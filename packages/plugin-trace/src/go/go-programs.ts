// SPDX-License-Identifier: MIT

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  attachToFiles,
  type BpfMap,
  type FileProbe,
  type FileProbes,
  type MappedFile,
  MappedFiles,
  messageOf,
  type PluginContext,
} from "@skep/core";
import { FileCache, type Stretch } from "@skep/executables";
import { goProgram } from "./codec.gen.js";
import { type GoProgramFile, readGoProgram } from "./go-program-file.js";
import { mappedAt } from "./mapped-at.js";

/** Processes that are gone and remembered. */
const rememberedPids = 1_024;

/** Undefined: no Go program. "unknown": one whose goroutines cannot be told apart. */
type Reading = GoProgramFile | "unknown" | undefined;

/**
 * Which processes run Go programs, and what the kernel must know to tell their goroutines apart. The plugin has the probe group
 * {@link goProbes} and declares `MappedFiles` in `uses`.
 */
export class GoPrograms implements FileProbes {
  readonly what = "Go programs";
  readonly #known = new FileCache<Reading>();
  readonly #isGo = new Map<number, boolean>();
  /** Processes that are gone, the longest first. */
  readonly #gonePids: number[] = [];
  /** Processes of which a recording, if there is one, has been told. */
  readonly #isRecorded = new Set<number>();
  readonly #key = new Uint32Array(1);

  /** @param programs `go_programs` */
  constructor(
    private readonly context: PluginContext<unknown>,
    private readonly programs: BpfMap,
  ) {}

  /** Puts probes into Go programs and tells the kernel of them, from now on; those that run already when it resolves. */
  async start(): Promise<void> {
    await attachToFiles(this.context, this);
    const watch = await this.context.use(MappedFiles).watch({
      wanted: (path, isProgram) => this.wanted(path, isProgram),
      found: (file) => this.#found(file),
      gone: (file) => this.#gone(file),
    });
    this.context.signal.addEventListener("abort", () => watch.close(), { once: true });
    if (this.context.signal.aborted) watch.close();
  }

  /**
   * Whether a process runs a Go program, also before anybody has told of it; undefined when the process is gone. What a Go
   * program does without a goroutine being known was done by nobody who is known: its threads do whatever comes.
   */
  isGo(pid: number): boolean | undefined {
    const known = this.#isGo.get(pid);
    if (known !== undefined && this.#isRecorded.has(pid)) return known;
    const found = this.context.fact(`go:${pid}`, () => known ?? this.#isGoProgram(pid)) ?? undefined;
    if (found !== undefined) this.#isGo.set(pid, found);
    if (found !== undefined) this.#isRecorded.add(pid);
    return found;
  }

  wanted(_path: string, isProgram: boolean): boolean {
    return isProgram;
  }

  probesFor(file: MappedFile): readonly FileProbe[] {
    const found = this.#look(file);
    return typeof found === "object" ? found.probes : [];
  }

  attached({ pid, path }: MappedFile, probes: number): void {
    this.context.log.debug({ event: "go-probed", pid, path, probes }, `${path} has probes in process ${pid}`);
  }

  #found(file: MappedFile): void {
    const { pid } = file;
    const found = this.#look(file);
    this.#isGo.set(pid, found !== undefined);
    this.#isRecorded.delete(pid);
    if (typeof found !== "object") return;
    const text = mappedAt(this.#mapsOf(pid), file.path, found.text);
    if (text !== undefined) this.programs.update(this.#keyOf(pid), programValue(text, found));
  }

  #gone({ pid }: MappedFile): void {
    if (this.#isGo.get(pid)) this.programs.delete(this.#keyOf(pid));
    // What it was is asked for a while longer: its last calls are not settled yet.
    this.#gonePids.push(pid);
    if (this.#gonePids.length > rememberedPids) this.#forget(this.#gonePids.shift()!);
  }

  /** A process that has its pid by now has told what it is. */
  #forget(pid: number): void {
    if (existsSync(join(this.context.host.procRoot, String(pid)))) return;
    this.#isGo.delete(pid);
    this.#isRecorded.delete(pid);
  }

  #look({ openPath, path }: Pick<MappedFile, "openPath" | "path">): Reading {
    return this.#known.get(openPath, () => {
      try {
        return readGoProgram(openPath);
      } catch (error) {
        return this.#refuse(path, error);
      }
    });
  }

  /** What is no ELF file at all (a script's interpreter always is) is no Go program either, but nothing is lost by caution. */
  #refuse(path: string, error: unknown): Reading {
    if (!(error instanceof RangeError)) throw error;
    const fields = { event: "go-unsupported", path, reason: messageOf(error) };
    this.context.log.warn(fields, `${path}: its goroutines cannot be told apart, so its calls are not tied together`);
    return "unknown";
  }

  #isGoProgram(pid: number): boolean | null {
    const path = join(this.context.host.procRoot, String(pid), "exe");
    try {
      return existsSync(path) ? this.#look({ openPath: path, path }) !== undefined : null;
    } catch {
      return null; // it went while it was read
    }
  }

  #mapsOf(pid: number): string {
    try {
      return readFileSync(join(this.context.host.procRoot, String(pid), "maps"), "utf8");
    } catch {
      return ""; // the process is gone
    }
  }

  #keyOf(pid: number): Uint8Array {
    this.#key[0] = pid;
    return new Uint8Array(this.#key.buffer);
  }
}

/** struct go_program */
function programValue(text: Stretch, { offsets }: GoProgramFile): Uint8Array {
  const value = new DataView(new ArrayBuffer(goProgram.layout.size));
  value.setBigUint64(0, BigInt(text.start), true);
  value.setBigUint64(8, BigInt(text.end), true);
  value.setUint32(16, offsets.goid, true);
  value.setUint32(20, offsets.parentGoid ?? 0, true);
  return new Uint8Array(value.buffer);
}
