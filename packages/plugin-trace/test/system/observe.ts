// SPDX-License-Identifier: MIT

import { isDeepStrictEqual } from "node:util";
import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent, type PluginStatus, type Point } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { type Teardown, until } from "@skep/testkit";
import { trace } from "../../src/index.js";
import { Readers } from "./readers.js";
import { Hosts } from "./hosts.js";
import { type Drive, startSystem, type System } from "./system.js";
import { compareTrees, endOf, type Verdict } from "./trees.js";

/** An agent with ebpf-trace alone, limited to a cgroup. */
export interface Observer {
  /** Spans since it was asked last: when so many of requests have come, or no more come. */
  spans(expected: number): Promise<readonly Point[]>;
  status(): PluginStatus;
}

/** Longer than any span waits for its neighbours. */
const silenceMs = 12_000;

/** The system, and an agent that was there before it: it sees every process and every connection from its beginning. */
export async function observedSystem(t: Teardown): Promise<{ readonly agent: Observer; readonly system: System }> {
  const hosts = new Hosts(t);
  const agent = await observer(t, hosts.cgroup);
  const system = await startSystem(hosts);
  // Those of the first request are nobody's.
  await agent.spans(spansOf(system, 1));
  return { agent, system };
}

/** Both ends of each call, but for the user's. */
const spansOf = ({ calls }: System, requests: number): number => requests * (2 * calls.length - 1);

async function observer(t: Teardown, cgroup: string): Promise<Observer> {
  const points: Point[] = [];
  let ofRequests = 0;
  const agent = createAgent({
    backend: libbpfBackend(),
    plugins: [{ plugin: trace, config: { trace_all_process: true }, required: true }, processes],
    scope: { cgroups: [cgroup] },
    interval: 500,
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  agent.on("point", (point) => {
    if (point.category !== "tracing") return;
    points.push(point);
    if (endOf(point) !== undefined) ofRequests++;
  });
  t.teardown(() => agent.stop());
  await agent.start();
  return {
    async spans(expected) {
      let [seen, since] = [0, performance.now()];
      const quiet = () => {
        if (points.length > seen) [seen, since] = [points.length, performance.now()];
        return ofRequests >= expected || performance.now() - since > silenceMs;
      };
      await until(quiet, { what: "no more spans come", deadlineMs: 300_000, everyMs: 100 });
      ofRequests = 0;
      return points.splice(0);
    },
    status: () => agent.status().plugins.find(({ name }) => name === "ebpf-trace")!,
  };
}

export interface Observation {
  readonly seconds: number;
  readonly spans: number;
  /** By the linker's points. */
  readonly verdict: Verdict;
  /** By the reader of OTLP, where there is one. */
  readonly otlp: Verdict | undefined;
}

/** What must be known of a run for ebpf-trace to keep its promises; in words what is not so. */
export function brokenPromises(concurrency: number, { verdict, otlp }: Observation): string[] {
  // Event loops that work for many at once are what is not known, and now and then who of grpc-go's goroutines has answered.
  const known = [
    "Go net/http",
    "Python threads",
    ...(concurrency === 1 ? ["grpc-go", "nginx (event loop)", "Node (event loop)"] : []),
  ];
  const share = concurrency === 1 ? 1 : 0.99;
  const broken = [...verdict.wrong];
  for (const kind of known) {
    const { expected, right } = verdict.servers.get(kind)!;
    if (right < share * expected) broken.push(`${kind} at concurrency ${concurrency}: ${right} of ${expected} right`);
  }
  if (otlp !== undefined && !isDeepStrictEqual(otlp, verdict)) broken.push("the reader of OTLP sees other trees");
  return broken;
}

/** Drives requests through the system and compares what was seen with what was called. */
export async function observe(
  observer: Observer,
  system: System,
  drive: Drive,
  { otlp = false }: { readonly otlp?: boolean } = {},
): Promise<Observation> {
  const seconds = await system.drive(drive);
  const spans = await observer.spans(spansOf(system, drive.count));
  const readers = await Readers.open({ otlp });
  for (const span of spans) readers.add(span);
  const readings = await readers.read();
  const verdictOn = (seen: typeof readings.points) => compareTrees(seen, system.calls, drive);
  return {
    seconds,
    spans: spans.length,
    verdict: verdictOn(readings.points),
    otlp: otlp ? verdictOn(readings.otlp) : undefined,
  };
}
