// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type PluginStatus, type Point, type Scope } from "@skep/core";
import { net } from "@skep/plugin-net";
import { scopedCgroup, type ScopedCgroup, type Teardown, type TrafficEnd } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { conntrack } from "../../src/index.js";
import { asker, type Asker } from "../support/asker.js";
import type { Address } from "./nat.js";

/** An agent with ebpf-conntrack and ebpf-net, limited to a cgroup of the test's own. It flushes when it is told to. */
export interface Observer {
  readonly cgroup: ScopedCgroup;
  readonly agent: Agent;
  /** Ends the interval; the netflow points it gave. */
  flush(): Promise<readonly Point[]>;
  readonly ask: Asker["ask"];
  status(): PluginStatus;
}

export interface ObserverOptions {
  readonly config?: Record<string, unknown>;
  /** How entries are learnt; default: the best there is. */
  readonly entries?: string | undefined;
  /** Default: the cgroup. */
  readonly scope?: Scope;
  /** Without ebpf-net. */
  readonly alone?: boolean;
  /** Default true; false: the test starts the agent when it wants. */
  readonly start?: boolean;
}

const hour = 3_600_000;
/** Client ports are told, so that each flow can be found in the points. */
const netflow = {
  plugin: net,
  config: { ephemeral_port: 65535, l7net_disabled: ["httpflow", "httpflow-tls"] },
  required: true,
} as const;
const backend = libbpfBackend();

export async function observer(
  t: Teardown,
  { config = {}, entries, scope, alone = false, start = true }: ObserverOptions = {},
): Promise<Observer> {
  const cgroup = scopedCgroup(t, "conntrack");
  const points: Point[] = [];
  const asking = asker();
  const agent = createAgent({
    backend,
    plugins: [{ plugin: conntrack, config, required: true }, ...(alone ? [] : [netflow]), asking.plugin],
    scope: scope ?? { cgroups: [cgroup.path] },
    interval: hour,
    strategies: entries === undefined ? {} : { "ebpf-conntrack/entries": entries },
    // Loading programs under emulation takes its time.
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  agent.on("point", (point) => points.push(point));
  t.teardown(() => agent.stop());
  if (start) await agent.start();
  return {
    cgroup,
    agent,
    async flush() {
      const before = points.length;
      await agent.flush();
      return points.slice(before).filter(({ measurement }) => measurement === "netflow");
    },
    ask: asking.ask,
    status: () => agent.status().plugins.find(({ name }) => name === conntrack.name)!,
  };
}

/** Points of a client's end of a flow. */
export const pointsOf = (points: readonly Point[], transport: "tcp" | "udp", end: TrafficEnd): readonly Point[] =>
  points.filter(
    ({ tags }) =>
      tags["direction"] === "outgoing" && tags["transport"] === transport && tags["src_port"] === String(end.port),
  );

/** Every point of the flow says where it went; undefined: that it was not translated. */
export function goesTo(
  t: ExecutionContext,
  points: readonly Point[],
  transport: "tcp" | "udp",
  end: TrafficEnd,
  target: Address | undefined,
): void {
  const found = pointsOf(points, transport, end);
  const all = points.map(({ tags, fields }) => JSON.stringify({ ...tags, ...fields })).join("\n");
  t.true(found.length > 0, `no point of port ${end.port} among\n${all}`);
  for (const { tags } of found) {
    t.deepEqual(
      [tags["dst_nat_ip"], tags["dst_nat_port"]],
      target === undefined ? ["N/A", "N/A"] : [target.ip, String(target.port)],
      all,
    );
  }
}

/** observed = emitted + aggregated + dropped, with nothing waiting after a flush. */
export function nothingUnaccounted(t: ExecutionContext, { counters }: PluginStatus): void {
  const dropped = Object.values(counters.dropped).reduce((total, count) => total + count, 0);
  t.is(counters.observed, counters.emitted + counters.aggregated + dropped, JSON.stringify(counters));
}
