// SPDX-License-Identifier: MIT

import { existsSync } from "node:fs";
import type { Link } from "../backend.js";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import type { PluginContext } from "../plugin.js";
import { isWholeHost } from "../scope.js";
import { fileIdentity } from "../services/mapped-files-proc.js";
import { type MappedFile, MappedFiles } from "../services/mapped-files.js";
import { OffsetCache } from "./offset-cache.js";
import { UnprobedPrograms } from "./unprobed-programs.js";

/** One place in a file: a function, or a byte. */
export interface FileProbe {
  /** BPF program, declared as a `uprobe` or `uretprobe` without target in a probe group of the plugin. */
  readonly program: string;
  readonly kind: "uprobe" | "uretprobe";
  /** Name of the function, or names in order of preference: the first that the file defines is taken. */
  readonly symbol?: string | readonly string[];
  /** Bytes from the start of the file, instead of a symbol. */
  readonly offset?: bigint;
  /** A file may lack the symbol; its other probes are attached all the same. */
  readonly optional?: boolean;
}

/** Which files are probed, and where. What a function says of a file must not change. */
export interface FileProbes {
  /** What the files are, for messages: `shells`, `TLS libraries`. */
  readonly what: string;
  /** Decides by name alone; called once per file. */
  wanted(path: string, isProgram: boolean): boolean;
  /** Places in the file; none when a second look shows that it is not wanted after all. */
  probesFor(file: MappedFile): readonly FileProbe[];
  /**
   * Whether each process that uses the file is probed apart, so that the others pay nothing; else the file is probed once, for
   * every process, and in a scope the programs ask for it. Default: in an agent with a scope. Say true for a library that programs
   * of no interest use too, false for what is called so rarely that all may pay: nothing is then missed of processes that start.
   */
  perProcess?(file: MappedFile): boolean;
  /**
   * Paths of files that are probed from the start, whether anybody runs them or not: not even what their first process does in its
   * first milliseconds is missed. Files that do not exist are passed over. Only for files that are not probed per process.
   */
  readonly ahead?: readonly string[];
  /**
   * What a wanted program (not library) is expected to have, in itself or in a library that it maps: `line editor`. One in which
   * nothing is found to be probed degrades the plugin while it runs. Undefined: nothing.
   */
  expects?(program: MappedFile): string | undefined;
  /** Told once per process and file: `probes` are attached, none when the file has not one of the symbols. */
  attached?(file: MappedFile, probes: number): void;
}

export interface AttachedFiles {
  /** Files that are probed now; those probed per process count for each. */
  readonly attached: number;
  /** Files that could not be probed, so far. The first reason degrades the plugin, all are logged. */
  readonly failed: number;
  /** Detaches. A closed plugin is detached anyway. */
  close(): void;
}

/** How long a file that nobody runs keeps its probes: letting go of one takes the kernel 100 ms, and programs come back. */
const lingerMs = 5_000;
/** Files remembered as not to be probed. */
const maxRefused = 1_024;

/**
 * Attaches programs to files as processes in scope run or map them, and detaches when the last one is gone: once per file for
 * every process, or per process (see {@link FileProbes.perProcess}). The plugin declares {@link MappedFiles} in `uses` and
 * calls this in `start`: what runs already is probed when it resolves. A file that cannot be probed never throws.
 */
export async function attachToFiles(context: PluginContext<unknown>, files: FileProbes): Promise<AttachedFiles> {
  const attacher = new FileAttacher(context, files);
  await attacher.start();
  return attacher;
}

/** Probes in one file, or in one process's use of it. */
interface Attachment {
  readonly links: readonly Link[];
  readonly pids: Set<number>;
}

class FileAttacher implements AttachedFiles {
  failed = 0;
  readonly #attachments = new Map<string, Attachment>();
  /** Ids of files that have nothing to probe or cannot be probed. */
  readonly #refused = new Set<string>();
  readonly #offsets = new OffsetCache();
  readonly #unprobed: UnprobedPrograms | undefined;
  #watch: { close(): void } | undefined;

  constructor(
    private readonly context: PluginContext<unknown>,
    private readonly files: FileProbes,
  ) {
    this.#unprobed = files.expects === undefined ? undefined : new UnprobedPrograms(context, files.what);
  }

  get attached(): number {
    return this.#attachments.size;
  }

  async start(): Promise<void> {
    const { context, files } = this;
    for (const path of files.ahead ?? []) this.#probeAhead(path);
    this.#watch = await context.use(MappedFiles).watch({
      wanted: (path, isProgram) => files.wanted(path, isProgram),
      found: (file) => this.#found(file),
      gone: (file) => this.#gone(file),
    });
    // Of a plugin that is closed the session detaches everything.
    context.signal.addEventListener("abort", () => this.#watch?.close(), { once: true });
    if (context.signal.aborted) this.#watch.close();
  }

  close(): void {
    this.#watch?.close();
    for (const { links } of this.#attachments.values()) detach(links);
    this.#attachments.clear();
  }

  #found(file: MappedFile): void {
    const key = this.#keyOf(file);
    const known = this.#attachments.get(key);
    const links = known?.links ?? (this.#refused.has(file.id) ? [] : this.#attach(file));
    if (links === undefined) return;
    if (known !== undefined) known.pids.add(file.pid);
    else if (links.length > 0) this.#attachments.set(key, { links, pids: new Set([file.pid]) });
    this.#unprobed?.attached(file, links.length, this.files.expects?.(file));
    this.files.attached?.(file, links.length);
  }

  /** On behalf of process 0, which never ends. */
  #probeAhead(path: string): void {
    const id = fileIdentity(path);
    if (id === undefined || this.#attachments.has(id)) return;
    const links = this.#attach({ pid: 0, path, openPath: path, id, isProgram: true, program: path });
    if (links?.length) this.#attachments.set(id, { links, pids: new Set([0]) });
  }

  #gone(file: MappedFile): void {
    if (file.isProgram) this.#unprobed?.gone(file.pid);
    const key = this.#keyOf(file);
    const attachment = this.#attachments.get(key);
    attachment?.pids.delete(file.pid);
    if (attachment === undefined || attachment.pids.size > 0) return;
    const detachUnused = () => {
      if (attachment.pids.size > 0 || this.#attachments.get(key) !== attachment) return;
      this.#attachments.delete(key);
      detach(attachment.links);
    };
    // What is held to a process is of no use to another.
    if (this.#isPerProcess(file)) detachUnused();
    else void this.context.sleep(lingerMs).then(detachUnused);
  }

  /** Undefined when nothing was to be attached, or the process was gone already. */
  #attach(file: MappedFile): readonly Link[] | undefined {
    const probes = this.files.probesFor(file);
    if (probes.length === 0) return undefined;
    const links: Link[] = [];
    try {
      const target = this.#isPerProcess(file) ? { path: file.openPath, pid: file.pid } : { path: file.openPath };
      for (const { probe, offset } of this.#placesIn(file, probes)) {
        links.push(this.context.attachTo(probe.program, { kind: probe.kind, target, offset }));
      }
      if (links.length === 0) this.#refuse(file);
      return links;
    } catch (error) {
      detach(links);
      if (!existsSync(file.openPath)) return undefined;
      this.#refuse(file);
      this.#failedWith(file, messageOf(error));
      return undefined;
    }
  }

  #placesIn(file: MappedFile, probes: readonly FileProbe[]): { probe: FileProbe; offset: bigint }[] {
    const offsets = this.#offsets.of(file.openPath, probes.flatMap(namesOf));
    return probes.flatMap((probe) => {
      const name = namesOf(probe).find((candidate) => offsets.has(candidate));
      const offset = probe.offset ?? (name === undefined ? undefined : offsets.get(name));
      if (offset !== undefined) return [{ probe, offset }];
      if (probe.optional) return [];
      throw new SkepError("SKEP_ERR_ATTACH", `it has no function ${namesOf(probe).join(" or ")}`);
    });
  }

  #refuse(file: MappedFile): void {
    if (this.#refused.size >= maxRefused) this.#refused.clear();
    this.#refused.add(file.id);
  }

  #failedWith(file: MappedFile, reason: string): void {
    this.failed++;
    const { what } = this.files;
    this.context.log.warn(
      { event: "unprobed", path: file.path, pid: file.pid, reason },
      `${what}: a file is not probed`,
    );
    if (this.failed === 1)
      this.context.degrade(`${what}: ${file.path} (process ${file.pid}) cannot be probed: ${reason}`);
  }

  #isPerProcess(file: MappedFile): boolean {
    return this.files.perProcess?.(file) ?? !isWholeHost(this.context.scope);
  }

  #keyOf(file: MappedFile): string {
    return this.#isPerProcess(file) ? `${file.id} ${file.pid}` : file.id;
  }
}

const namesOf = ({ symbol }: FileProbe): readonly string[] =>
  symbol === undefined ? [] : typeof symbol === "string" ? [symbol] : symbol;

/** In the background where the backend can: the kernel waits for every CPU to have left the probe. */
function detach(links: readonly Link[]): void {
  for (const link of links) {
    if (link.closeSoon === undefined) link.close();
    else void link.closeSoon();
  }
}
