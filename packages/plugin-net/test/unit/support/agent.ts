// SPDX-License-Identifier: MIT

import type { ExecutionContext } from "ava";
import { fakeClock, type FakeClock, fakeKernel, type FakeKernel } from "@skep/backend-replay";
import { type Agent, createAgent, definePlugin, type PluginStatus, type Point, type ServiceId } from "@skep/core";
import { z } from "zod";
import type { NetConfig } from "../../../src/config.js";
import { net } from "../../../src/plugin.js";

export interface RunOptions {
  readonly config?: Partial<NetConfig>;
  /** Probe group -> strategy that must be used. */
  readonly strategies?: Readonly<Record<string, string>>;
  /** Fills the kernel before the plugin starts. */
  readonly prepare?: (kernel: FakeKernel) => void;
  /** Services of other plugins. */
  readonly services?: readonly (readonly [ServiceId<unknown>, unknown])[];
}

/** The plugin in an agent of its own, over a kernel the test fills. */
export interface Run {
  readonly agent: Agent;
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  /** Ends the interval. Netflow waits for the kernel meanwhile, so time must pass. */
  flush(): Promise<void>;
  stop(): Promise<void>;
  /** Everything emitted since the last call. */
  takePoints(): Point[];
  status(): PluginStatus;
}

/** Starts the agent; it is stopped when the test is over. */
export async function startAgent(t: Pick<ExecutionContext, "teardown">, options: RunOptions = {}): Promise<Run> {
  const kernel = fakeKernel({
    plugin: net,
    maps: [
      { name: "udp_turn", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 },
      { name: "assumed", type: "percpu_array", keySize: 4, valueSize: 8, maxEntries: 1 },
    ],
  });
  options.prepare?.(kernel);
  const clock = fakeClock();
  const { config = {}, strategies = {}, services = [] } = options;
  const agent = createAgent({
    backend: kernel,
    plugins: [{ plugin: net, config }, ...services.map(([id, implementation]) => providerOf(id, implementation))],
    strategies,
    clock,
    hostname: "test",
  });
  let points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  const stop = () => clock.run(agent.stop());
  t.teardown(stop);
  await agent.start();
  return {
    agent,
    kernel,
    clock,
    flush: () => clock.run(agent.flush()),
    stop,
    takePoints() {
      const taken = points;
      points = [];
      return taken;
    },
    status: () => agent.status().plugins.find(({ name }) => name === net.name)!,
  };
}

const providerOf = (id: ServiceId<unknown>, implementation: unknown) =>
  definePlugin({
    name: `provider-of-${id.key}`,
    version: "1.0.0",
    description: "provides a service and does nothing else",
    config: z.object({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    provides: [id],
    setup(context) {
      context.provide(id, implementation);
      return {};
    },
  });
