// SPDX-License-Identifier: MIT

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import {
  type Agent,
  type BpfMap,
  createAgent,
  type Cursor,
  definePlugin,
  type Logger,
  MappedFiles,
  ProcessTable,
} from "@skep/core";
import { processes } from "@skep/plugin-process";
import { scopedCgroup, type ScopedCgroup, type Teardown } from "@skep/testkit";
import { traceEvent, traceMark, traceOpen } from "../../src/codec.gen.js";
import { traceConfig, type TraceConfig } from "../../src/config.js";
import { EventKind } from "../../src/contract.js";
import { goStream } from "../../src/go/codec.gen.js";
import { GoPrograms } from "../../src/go/go-programs.js";
import { Goroutines } from "../../src/go/goroutines.js";
import { trace } from "../../src/index.js";
import { traceProbes } from "../../src/probes.js";

const WRITTEN = 1;

/** Bytes moved at one end of a connection, in one direction, by one goroutine. */
export interface Moved {
  readonly isWritten: boolean;
  /** Sequence number of the first byte. */
  readonly from: number;
  readonly pid: number;
  /** 0: not known. */
  readonly goroutine: number;
}

/** What the kernel says of who moves bytes, as it says it: without anything that user space makes of it. */
export class GoScene {
  readonly folder = mkdtempSync(join(tmpdir(), "skep-go-"));
  readonly cgroup: ScopedCgroup;
  /** By `LOCAL PORT REMOTE PORT`. */
  readonly moved = new Map<string, Moved[]>();
  readonly probed = new Set<number>();
  readonly warnings: string[] = [];
  programs: GoPrograms | undefined;
  goroutines: Goroutines | undefined;
  readonly #ends = new Map<number, string>();
  #agent: Agent | undefined;
  #streams: BpfMap | undefined;

  constructor(private readonly t: Teardown) {
    this.cgroup = scopedCgroup(t, "goroutines");
    t.teardown(() => rmSync(this.folder, { recursive: true }));
  }

  /** A copy of a program, which no other process runs. */
  copyOf(program: string): string {
    const path = join(this.folder, basename(program));
    copyFileSync(program, path);
    return path;
  }

  async observe(): Promise<void> {
    const agent = createAgent({
      backend: libbpfBackend(),
      plugins: [
        { plugin: processes, required: true },
        { plugin: this.#plugin(), config: {}, required: true },
      ],
      scope: { cgroups: [this.cgroup.path] },
      interval: 3_600_000,
      log: this.#log,
      limits: { loadMs: 300_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
    });
    this.t.teardown(() => agent.stop());
    await agent.start();
    this.#agent = agent;
  }

  /** Goroutines that write for others -> stream -> for whom. */
  async streams(): Promise<ReadonlyMap<number, ReadonlyMap<number, number>>> {
    const streams = new Map<number, Map<number, number>>();
    await this.#streams!.scan((key, value) => {
      const { writer, stream } = goStream.read(key);
      const ofWriter = streams.get(writer) ?? new Map<number, number>();
      streams.set(writer, ofWriter.set(stream, value.u32[value.at >> 2]!));
    });
    return streams;
  }

  /** What could not be told. */
  dropped(): Readonly<Record<string, number>> {
    return this.#agent!.status().plugins.find(({ name }) => name === "goroutines")!.counters.dropped;
  }

  #plugin() {
    return definePlugin<TraceConfig>({
      name: "goroutines",
      version: "0.1.0",
      description: "who moves bytes",
      config: traceConfig,
      measurements: [],
      capabilities: trace.capabilities,
      objects: trace.objects,
      probes: traceProbes,
      streams: { events: { map: "trace_events", codec: traceEvent } },
      uses: [ProcessTable, MappedFiles],
      setup: (context) => {
        const programs = (this.programs = new GoPrograms(context, context.map("go_programs")));
        this.#streams = context.map("go_streams");
        this.goroutines = new Goroutines(context.map("go_origins"), context.map("go_streams"));
        context.ring("events").on((record) => {
          this.#record(record);
          context.count("aggregated");
        });
        return { start: () => programs.start() };
      },
    });
  }

  #record(record: Cursor): void {
    const connection = traceEvent.conn(record);
    const kind = traceEvent.kind(record);
    if (kind === EventKind.OPEN) {
      const { srcPort, dstPort } = traceOpen.read(record);
      this.#ends.set(connection, `${srcPort} ${dstPort}`);
    }
    const end = this.#ends.get(connection);
    if (kind !== EventKind.MARK || end === undefined) return;
    const { from, tgid, goroutine } = traceMark.read(record);
    const isWritten = (traceEvent.flags(record) & WRITTEN) !== 0;
    const moved = this.moved.get(end);
    const move = { isWritten, from, pid: tgid, goroutine };
    if (moved === undefined) this.moved.set(end, [move]);
    else moved.push(move);
  }

  #log: Logger = {
    debug: (fields) => {
      const { event, pid, probes } = fields as Record<string, unknown>;
      if (event === "go-probed" && probes !== 0) this.probed.add(Number(pid));
    },
    info() {},
    warn: (_fields, message) => void this.warnings.push(String(message)),
    error: (_fields, message) => void this.warnings.push(String(message)),
    child: () => this.#log,
  };
}
