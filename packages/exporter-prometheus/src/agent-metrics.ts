// SPDX-License-Identifier: MIT

import type { AgentMetrics, Timing } from "@skep/core";
import { Counter, Gauge, type Registry } from "prom-client";

/** One number with its labels. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

interface Declaration {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  samples(metrics: AgentMetrics): readonly Sample[];
}

const seconds = (ms: number): number => ms / 1000;

const perPlugin = (value: (plugin: AgentMetrics["plugins"][number]) => number) => (metrics: AgentMetrics) =>
  metrics.plugins.map((plugin): Sample => [{ plugin: plugin.name }, value(plugin)]);
const perProgram =
  (value: (program: AgentMetrics["plugins"][number]["programs"][number]) => number) => (metrics: AgentMetrics) =>
    metrics.plugins.flatMap(({ name, programs }) =>
      programs.map((program): Sample => [{ plugin: name, program: program.program }, value(program)]),
    );
const perRing =
  (value: (ring: AgentMetrics["plugins"][number]["rings"][number]) => number) => (metrics: AgentMetrics) =>
    metrics.plugins.flatMap(({ name, rings }) =>
      rings.map((ring): Sample => [{ plugin: name, ring: ring.map }, value(ring)]),
    );
const perExporter = (value: (exporter: AgentMetrics["exporters"][number]) => number) => (metrics: AgentMetrics) =>
  metrics.exporters.map((exporter): Sample => [{ exporter: exporter.name }, value(exporter)]);
const ofTiming =
  (timing: (metrics: AgentMetrics) => Timing, value: (timing: Timing) => number) => (metrics: AgentMetrics) =>
    [[{}, value(timing(metrics))]] as const;

const plugin = ["plugin"];
const ring = ["plugin", "ring"];
const program = ["plugin", "program"];
const exporter = ["exporter"];

/** What only grows; plugins that start anew begin their rings and programs from zero, as counters may. */
const counters: readonly Declaration[] = [
  {
    name: "skep_agent_observed_total",
    help: "observations",
    labels: plugin,
    samples: perPlugin((p) => p.counters.observed),
  },
  {
    name: "skep_agent_emitted_total",
    help: "points made",
    labels: plugin,
    samples: perPlugin((p) => p.counters.emitted),
  },
  {
    name: "skep_agent_aggregated_total",
    help: "observations folded into points that stand for others",
    labels: plugin,
    samples: perPlugin((p) => p.counters.aggregated),
  },
  {
    name: "skep_agent_dropped_total",
    help: "observations that became nothing, by reason",
    labels: ["plugin", "reason"],
    samples: ({ plugins }) =>
      plugins.flatMap(({ name, counters: { dropped } }) =>
        Object.entries(dropped).map(([reason, count]): Sample => [{ plugin: name, reason }, count]),
      ),
  },
  {
    name: "skep_agent_failures_total",
    help: "throws of plugins",
    labels: plugin,
    samples: perPlugin((p) => p.failures),
  },
  {
    name: "skep_agent_restarts_total",
    help: "restarts of plugins",
    labels: plugin,
    samples: perPlugin((p) => p.restarts),
  },
  { name: "skep_agent_ring_records_total", help: "records read", labels: ring, samples: perRing((r) => r.records) },
  {
    name: "skep_agent_program_runs_total",
    help: "runs of BPF programs, while statistics are on (bpf_stats)",
    labels: program,
    samples: perProgram((p) => p.runs),
  },
  {
    name: "skep_agent_program_seconds_total",
    help: "run time of BPF programs, while statistics are on (bpf_stats)",
    labels: program,
    samples: perProgram((p) => p.runTimeNs / 1e9),
  },
  {
    name: "skep_agent_program_recursion_misses_total",
    help: "runs the kernel left out because the program was at work on that CPU already",
    labels: program,
    samples: perProgram((p) => p.recursionMisses),
  },
  {
    name: "skep_agent_drain_seconds_total",
    help: "time spent reading rings",
    labels: [],
    samples: ofTiming(
      (m) => m.drain,
      (t) => seconds(t.totalMs),
    ),
  },
  {
    name: "skep_agent_drains_total",
    help: "turns in which records were read",
    labels: [],
    samples: ofTiming(
      (m) => m.drain,
      (t) => t.count,
    ),
  },
  {
    name: "skep_agent_flush_seconds_total",
    help: "time spent in flushes",
    labels: [],
    samples: ofTiming(
      (m) => m.flush,
      (t) => seconds(t.totalMs),
    ),
  },
  {
    name: "skep_agent_flushes_total",
    help: "flushes",
    labels: [],
    samples: ofTiming(
      (m) => m.flush,
      (t) => t.count,
    ),
  },
  {
    name: "skep_agent_exported_total",
    help: "points delivered",
    labels: exporter,
    samples: perExporter((e) => e.exported),
  },
  {
    name: "skep_agent_export_dropped_total",
    help: "points not delivered, by reason",
    labels: ["exporter", "reason"],
    samples: ({ exporters }) =>
      exporters.flatMap(({ name, dropped }) =>
        Object.entries(dropped).map(([reason, count]): Sample => [{ exporter: name, reason }, count]),
      ),
  },
  {
    name: "skep_agent_export_failures_total",
    help: "failed attempts",
    labels: exporter,
    samples: perExporter((e) => e.failures),
  },
  {
    name: "skep_agent_cpu_seconds_total",
    help: "processor time of the agent's process",
    labels: [],
    samples: ({ process }) => [[{}, process.cpuSeconds]],
  },
];

const gauges: readonly Declaration[] = [
  {
    name: "skep_agent_pending",
    help: "observations plugins hold",
    labels: plugin,
    samples: perPlugin((p) => p.counters.pending),
  },
  { name: "skep_agent_ring_bytes", help: "bytes a ring holds", labels: ring, samples: perRing((r) => r.size) },
  {
    name: "skep_agent_ring_pending_bytes",
    help: "bytes waiting in a ring",
    labels: ring,
    samples: perRing((r) => r.pending),
  },
  {
    name: "skep_agent_ring_peak_ratio",
    help: "largest share of a ring that ever waited",
    labels: ring,
    samples: perRing((r) => r.peak),
  },
  {
    name: "skep_agent_drain_longest_seconds",
    help: "longest turn of reading rings",
    labels: [],
    samples: ofTiming(
      (m) => m.drain,
      (t) => seconds(t.longestMs),
    ),
  },
  {
    name: "skep_agent_flush_last_seconds",
    help: "time of the last flush",
    labels: [],
    samples: ofTiming(
      (m) => m.flush,
      (t) => seconds(t.lastMs),
    ),
  },
  {
    name: "skep_agent_export_queued",
    help: "points waiting in memory",
    labels: exporter,
    samples: perExporter((e) => e.queued),
  },
  {
    name: "skep_agent_export_spooled",
    help: "points waiting on disk",
    labels: exporter,
    samples: perExporter((e) => e.spooled),
  },
  {
    name: "skep_agent_export_lag_seconds",
    help: "age of the oldest point of the batch under way, or of the last one delivered",
    labels: exporter,
    samples: perExporter((e) => seconds(e.lagMs)),
  },
  {
    name: "skep_agent_resident_memory_bytes",
    help: "memory of the agent's process",
    labels: [],
    samples: ({ process }) => [[{}, process.rss]],
  },
  {
    name: "skep_agent_heap_bytes",
    help: "JavaScript heap in use",
    labels: [],
    samples: ({ process }) => [[{}, process.heapUsed]],
  },
];

/** Registers what the agent says about itself; it is asked when somebody scrapes. */
export function registerAgentMetrics(registry: Registry, read: () => AgentMetrics): void {
  let current: AgentMetrics | undefined;
  /** All metrics of one scrape are of one moment. */
  const metrics = (): AgentMetrics => {
    if (current === undefined) setImmediate(() => (current = undefined));
    return (current ??= read());
  };
  for (const { name, help, labels, samples } of counters) {
    new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const [own, value] of samples(metrics())) this.inc({ ...own }, value);
      },
    });
  }
  for (const { name, help, labels, samples } of gauges) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset();
        for (const [own, value] of samples(metrics())) this.set({ ...own }, value);
      },
    });
  }
}
