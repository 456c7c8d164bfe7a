// SPDX-License-Identifier: MIT

import { threadId } from "node:worker_threads";
import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type PluginStatus, type Point } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { patience, scopedCgroup, type ScopedCgroup, type Teardown } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { trace, type TraceConfig } from "../../src/index.js";

/** An agent with ebpf-trace, limited to a cgroup of the test's own. */
export interface Observer {
  readonly cgroup: ScopedCgroup;
  readonly agent: Agent;
  /** Every span so far. */
  readonly spans: readonly Point[];
  status(): PluginStatus;
  strategy(group: string): string | undefined;
}

export interface ObserverOptions {
  readonly config?: Partial<TraceConfig>;
  /** Probe group -> strategy that must be used. */
  readonly strategies?: Readonly<Record<string, string>>;
  /** Default true; false: the test starts the agent when it wants. */
  readonly start?: boolean;
}

const hour = 3_600_000;

/** One for the file: what works on this kernel is found out once. */
const backend = libbpfBackend();

/** Everything in the cgroup is traced unless `config` says otherwise. */
export async function observer(t: Teardown, options: ObserverOptions = {}): Promise<Observer> {
  const { config = { trace_all_process: true }, strategies = {}, start = true } = options;
  // Emulated kernels take their time.
  const patient = { trace_patience: `${5 * patience}s`, ...config };
  const cgroup = scopedCgroup(t, `trace${threadId}`);
  const spans: Point[] = [];
  const agent = createAgent({
    backend,
    plugins: [
      { plugin: trace, config: patient, required: true },
      { plugin: processes, config: {}, required: true },
    ],
    scope: { cgroups: [cgroup.path] },
    interval: hour,
    strategies,
    limits: { loadMs: 400_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  agent.on("point", (point) => spans.push(point));
  t.teardown(() => agent.stop());
  if (start) await agent.start();
  const status = (): PluginStatus => agent.status().plugins.find(({ name }) => name === trace.name)!;
  return { cgroup, agent, spans, status, strategy: (group) => status().strategies[group]?.name };
}

export const ofType = (spans: readonly Point[], type: "entry" | "exit"): readonly Point[] =>
  spans.filter(({ fields }) => fields["span_type"] === type);

/** observed = emitted + aggregated + dropped, with nothing waiting after a last flush. */
export function nothingUnaccounted(t: ExecutionContext, { counters }: PluginStatus): void {
  const dropped = Object.values(counters.dropped).reduce((total, count) => total + count, 0);
  t.is(counters.observed, counters.emitted + counters.aggregated + dropped, JSON.stringify(counters));
}
