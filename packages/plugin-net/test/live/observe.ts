// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type PluginStatus, type Point, type Scope } from "@skep/core";
import { scopedCgroup, type ScopedCgroup, type Teardown, type TrafficEnd } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { net } from "../../src/index.js";

/** An agent with ebpf-net alone, limited to a cgroup of the test's own. It flushes when it is told to. */
export interface Observer {
  readonly cgroup: ScopedCgroup;
  readonly agent: Agent;
  /** Every netflow point so far. */
  readonly points: readonly Point[];
  /** Ends the interval; the points it gave. */
  flush(): Promise<readonly Point[]>;
  status(): PluginStatus;
  /** Strategy of a probe group. */
  strategy(group: string): string | undefined;
}

export interface ObserverOptions {
  readonly config?: Record<string, unknown>;
  /** Default: the cgroup. */
  readonly scope?: (cgroup: ScopedCgroup) => Scope;
  /** Probe group -> strategy that must be used. */
  readonly strategies?: Readonly<Record<string, string>>;
  /** Default true; false: the test starts the agent when it wants. */
  readonly start?: boolean;
}

const hour = 3_600_000;

/** One for the file: what works on this kernel is found out once. */
const backend = libbpfBackend();

export async function observer(
  t: Teardown,
  { config, scope, strategies = {}, start = true }: ObserverOptions = {},
): Promise<Observer> {
  const cgroup = scopedCgroup(t, "netflow");
  const points: Point[] = [];
  const agent = createAgent({
    backend,
    // Ports below 65535 are not folded, so that each connection can be told in the points. Without httpflow,
    // whose tests ask for it: its programs take longer to load than all the others.
    plugins: [
      { plugin: net, config: { loopback: true, ephemeral_port: 65535, l7net_enabled: [], ...config }, required: true },
    ],
    scope: scope?.(cgroup) ?? { cgroups: [cgroup.path] },
    interval: hour,
    strategies,
    // Loading programs under emulation takes its time.
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  agent.on("point", (point) => points.push(point));
  t.teardown(() => agent.stop());
  if (start) await agent.start();
  const status = (): PluginStatus => agent.status().plugins[0]!;
  return {
    cgroup,
    agent,
    points,
    async flush() {
      const before = points.length;
      await agent.flush();
      return points.slice(before);
    },
    status,
    strategy: (group) => status().strategies[group]?.name,
  };
}

/** The points of one end of a connection or UDP conversation. */
export function pointsOf(points: readonly Point[], transport: "tcp" | "udp", end: TrafficEnd): readonly Point[] {
  return points.filter(
    ({ tags }) =>
      tags["transport"] === transport &&
      tags["src_port"] === String(end.port) &&
      tags["dst_port"] === String(end.peerPort) &&
      tags["dst_ip"] === withoutMapping(end.peerAddress),
  );
}

export const sum = (points: readonly Point[], field: string): number =>
  points.reduce((total, { fields }) => total + Number(fields[field] ?? 0), 0);

/** `::ffff:a.b.c.d` is the IPv4 address. */
export const withoutMapping = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, "");

export interface Expected {
  readonly direction: "incoming" | "outgoing";
  /** Default: who opened it. */
  readonly pid?: number;
  /** Default 1. */
  readonly established?: number;
  /** Default 1. */
  readonly closed?: number;
  readonly transport?: "tcp" | "udp";
}

/** Compares one end with what was really sent and received there. */
export function sameAsTruth(t: ExecutionContext, points: readonly Point[], end: TrafficEnd, expected: Expected): void {
  const transport = expected.transport ?? "tcp";
  const found = pointsOf(points, transport, end);
  const name = `${expected.direction} ${end.address}:${end.port}`;
  t.true(
    found.length > 0,
    `${name}: no point among\n${points.map(({ tags, fields }) => JSON.stringify({ ...tags, ...fields })).join("\n")}`,
  );
  t.is(sum(found, "bytes_written"), end.sent, `${name} bytes_written`);
  t.is(sum(found, "bytes_read"), end.received, `${name} bytes_read`);
  for (const { tags } of found) {
    t.is(tags["direction"], expected.direction, name);
    t.is(tags["pid"], String(expected.pid ?? end.openPid), `${name} pid`);
    t.is(tags["process_name"], "traffic", name);
    t.is(tags["family"], withoutMapping(end.peerAddress).includes(":") ? "IPv6" : "IPv4", name);
  }
  if (transport === "udp") return;
  t.is(sum(found, "tcp_established"), expected.established ?? 1, `${name} established`);
  t.is(sum(found, "tcp_closed"), expected.closed ?? 1, `${name} closed`);
}

/** observed = emitted + aggregated + dropped, with nothing waiting after a flush. */
export function nothingUnaccounted(t: ExecutionContext, { counters }: PluginStatus): void {
  const dropped = Object.values(counters.dropped).reduce((total, count) => total + count, 0);
  t.is(counters.observed, counters.emitted + counters.aggregated + dropped, JSON.stringify(counters));
}
