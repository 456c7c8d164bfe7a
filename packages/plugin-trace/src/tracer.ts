// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Cursor, NatTable, type PluginContext, type PluginInstance, ProcessTable } from "@skep/core";
import { type Call, Exchange } from "@skep/protocols";
import { Connections, type Taken } from "./capture/connections.js";
import { Losses } from "./capture/losses.js";
import { Orders } from "./capture/orders.js";
import { traceEvent } from "./codec.gen.js";
import type { TraceConfig } from "./config.js";
import { EventKind } from "./contract.js";
import {
  appTrace,
  protocolDetector,
  type ProtocolName,
  protocolNames,
  protocolOf,
  spanFields,
} from "./protocols/index.js";
import { GoPrograms } from "./go/go-programs.js";
import { Goroutines } from "./go/goroutines.js";
import { TracedProcesses } from "./processes/traced-processes.js";
import { type CallFields, spanOf, type SpanSurroundings, traceIdOf } from "./spans.js";
import { type Attributed, Attribution } from "./units/attribution.js";

/** Between looks at what waits, ms: so long a mark may come behind the bytes it is about. */
const TICK_MS = 100;
const NS = 1e6;

/** ebpf-trace at work: records become connections, connections calls, calls spans. */
export class Tracer implements PluginInstance {
  readonly #context: PluginContext<TraceConfig>;
  readonly #processes: TracedProcesses;
  readonly #goPrograms: GoPrograms;
  readonly #attribution: Attribution;
  readonly #connections: Connections;
  readonly #orders: Orders;
  readonly #losses: Losses;
  readonly #bootId: string;
  readonly #isWanted: (protocol: ProtocolName) => boolean;
  /** What the kernel's clock shows at least. */
  #nowNs = 0;
  #tickedNs = 0;
  /** Asked for once a look, not for each span. */
  #surroundings: SpanSurroundings;

  constructor(context: PluginContext<TraceConfig>) {
    const { config, host } = context;
    this.#context = context;
    this.#surroundings = { bootTime: context.bootTime(), natTable: undefined };
    this.#bootId = context.fact("boot_id", () => bootIdOf(host.procRoot));
    this.#isWanted = wantedOf(config);
    this.#processes = new TracedProcesses(context, context.use(ProcessTable), context.map("trace_denied"));
    this.#goPrograms = new GoPrograms(context, context.map("go_programs"));
    const goroutines = new Goroutines(context.map("go_origins"), context.map("go_streams"));
    this.#attribution = new Attribution({
      patienceNs: config.trace_patience * NS,
      traceIdOf: (mover, call) => traceIdOf(this.#bootId, mover, call),
      settled: (attributed) => this.#settled(attributed),
      lost: (calls) => this.#drop("trace_gap", calls),
      isShared: (call) => protocolOf(call) === "amqp",
      goroutines: {
        isGo: (pid) => this.#goPrograms.isGo(pid),
        originOf: (pid, goroutine) => goroutines.originOf(pid, goroutine),
        askerOf: (pid, writer, stream) => goroutines.askerOf(pid, writer, stream),
      },
    });
    this.#losses = new Losses(context.map("skep_stats"));
    this.#orders = new Orders(context.map("trace_orders"));
    this.#connections = new Connections({
      makeDetector: (sink) => protocolDetector(sink, this.#isWanted),
      listener: this.#attribution,
      orders: this.#orders,
      mayTrace: ({ pid }) => this.#processes.get(pid) !== undefined,
      most: config.trace_max_connections,
    });
    context.ring("events").on((record) => this.#record(record));
    context.every(TICK_MS, () => this.#tick());
  }

  start(): Promise<void> {
    return this.#goPrograms.start();
  }

  flush(time: bigint, isLast = false): void {
    this.#nowNs = Math.max(this.#nowNs, Number(time - this.#context.bootTime()));
    this.#connections.tidy(this.#nowNs);
    this.#tick(0, isLast);
    this.#tellUnlinked();
  }

  close(): void {
    this.#orders.close();
    this.#processes.close();
  }

  #tick(passedNs = TICK_MS * NS, isLast = false): void {
    const sinceNs = this.#tickedNs;
    this.#tickedNs = this.#nowNs;
    this.#nowNs += passedNs;
    this.#surroundings = { bootTime: this.#context.bootTime(), natTable: this.#context.tryUse(NatTable) };
    if (this.#losses.check()) this.#attribution.lostRecords(sinceNs);
    this.#attribution.tick(this.#nowNs, isLast);
  }

  // hot
  #record(record: Cursor): void {
    this.#nowNs = Math.max(this.#nowNs, traceEvent.timeNs(record));
    switch (traceEvent.kind(record)) {
      case EventKind.OPEN:
        return this.#taken(this.#connections.open(record));
      case EventKind.CHUNK:
        return this.#taken(this.#connections.chunk(record));
      case EventKind.MARK:
        return this.#taken(this.#connections.mark(record));
      case EventKind.CLOSE:
        return this.#taken(this.#connections.close(record));
      default:
        this.#context.drop("unknown_kind");
    }
  }

  /** What a record brought is part of calls, which are counted when they are over. */
  #taken(taken: Taken): void {
    if (taken === "taken") this.#context.count("aggregated");
    else this.#context.drop(taken);
  }

  #settled(attributed: Attributed): void {
    const { mover, call } = attributed;
    if (mover === undefined) return this.#drop("trace_no_process");
    const process = this.#processes.get(mover.pid);
    if (process === undefined) return this.#drop("trace_not_wanted");
    const protocol = protocolOf(call);
    if (protocol === undefined || !this.#isWanted(protocol)) return this.#drop("trace_not_wanted");
    const traceId = attributed.traceId ?? traceIdOf(this.#bootId, mover, call);
    this.#context.count("observed");
    this.#context.emit(spanOf({ ...attributed, mover, traceId }, process, this.#fieldsOf(call), this.#surroundings));
  }

  #fieldsOf(call: Call): CallFields {
    const toDatadog = this.#context.config.conv_to_ddtrace;
    const fields = spanFields(call);
    return call instanceof Exchange ? { ...fields, ...appTrace(call.headers, { toDatadog }) } : fields;
  }

  #drop(reason: string, calls = 1): void {
    this.#context.count("observed", calls);
    this.#context.drop(reason, calls);
  }

  #tellUnlinked(): void {
    const { uncertain, handedOver, slow } = this.#attribution.takeUnlinked();
    if (uncertain + handedOver + slow === 0) return;
    this.#context.log.info(
      { event: "trace-unlinked", trace_uncertain: uncertain, trace_handed_over: handedOver, trace_slow: slow },
      `${uncertain + handedOver + slow} calls are not tied to the request they may have been made for`,
    );
  }
}

/** @param config names protocols; nothing: all */
function wantedOf({ trace_protos, trace_protos_blacklist }: TraceConfig): (protocol: ProtocolName) => boolean {
  const wanted = protocolNames.filter(
    (name) => (trace_protos.length === 0 || trace_protos.includes(name)) && !trace_protos_blacklist.includes(name),
  );
  return (protocol) => wanted.includes(protocol);
}

const bootIdOf = (procRoot: string): string => {
  try {
    return readFileSync(join(procRoot, "sys/kernel/random/boot_id"), "utf8").trim();
  } catch {
    return "";
  }
};
