// SPDX-License-Identifier: MIT

import {
  type Agent,
  type Backend,
  type ChosenStrategy,
  createAgent,
  definePlugin,
  type Plugin,
  type PluginStatus,
  type Point,
  type Scope,
  type ServiceId,
  type SkepError,
} from "@skep/core";
import { fakeClock, type FakeClock, FakeKernel, type FakeKernelOptions } from "@skep/backend-replay";
import { z } from "zod";

/** A service the plugin is to find, and what stands in for it: made by {@link standIn}. */
export interface StandIn {
  readonly id: ServiceId<unknown>;
  readonly implementation: unknown;
}

export const standIn = <S>(id: ServiceId<S>, implementation: S): StandIn => ({ id, implementation });

export interface RigOptions {
  readonly config?: unknown;
  /** Milliseconds between flushes. Default 60,000. */
  readonly interval?: number;
  readonly scope?: Scope;
  readonly services?: readonly StandIn[];
  /** The host's /proc. Default: none, so that nothing of this machine gets into a test. */
  readonly procRoot?: string;
  readonly clock?: FakeClock;
}

/** A plugin in a real agent, on a clock that stands still. */
export interface Rig {
  readonly agent: Agent;
  readonly clock: FakeClock;
  /** Everything emitted so far, as exporters would get it. */
  readonly points: Point[];
  /** Every error the agent reported. */
  readonly errors: SkepError[];
  readonly status: PluginStatus;
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  /** Lets one interval pass, which ends with a flush; the points of that flush. */
  flush(): Promise<readonly Point[]>;
  stop(): Promise<void>;
}

/** Starts `plugin` on a backend. Rejects as `agent.start()` does. */
export async function rigOn(backend: Backend, plugin: Plugin, options: RigOptions = {}): Promise<Rig> {
  const clock = options.clock ?? fakeClock();
  const interval = options.interval ?? 60_000;
  const entry = options.config === undefined ? plugin : { plugin, config: options.config };
  const agent = createAgent({
    backend,
    plugins: [...(options.services?.length ? [provider(options.services)] : []), entry],
    interval,
    clock,
    hostname: "test-host",
    scope: options.scope ?? {},
    env: { HOST_PROC: options.procRoot ?? "/nonexistent/proc", HOST_ROOT: "/nonexistent" },
  });
  const points: Point[] = [];
  const errors: SkepError[] = [];
  agent.on("point", (point) => points.push(point));
  agent.on("error", (error) => errors.push(error));
  const status = () => agent.status().plugins.find(({ name }) => name === plugin.name)!;
  await agent.start();
  await clock.settle();
  return {
    agent,
    clock,
    points,
    errors,
    get status() {
      return status();
    },
    get strategies() {
      return status().strategies;
    },
    async flush() {
      const before = points.length;
      await clock.advance(interval);
      // A flush may take time of its own; one that is under way is the one that is waited for.
      await clock.run(agent.flush());
      return points.slice(before);
    },
    stop: () => clock.run(agent.stop()),
  };
}

/** A rig on a kernel in memory that the test fills. */
export interface KernelRig extends Rig {
  readonly kernel: FakeKernel;
}

/**
 * Starts `plugin` on a kernel in memory: `rig.kernel.ring("events").push(encode(event, { pid: 1 }))`, `await rig.flush()`.
 * Pass a `kernel` made beforehand to fill maps before the plugin starts.
 */
export async function rig(
  plugin: Plugin,
  options: RigOptions & FakeKernelOptions & { readonly kernel?: FakeKernel } = {},
): Promise<KernelRig> {
  const kernel = options.kernel ?? new FakeKernel({ plugin, ...options });
  const running = await rigOn(kernel, plugin, options);
  return Object.defineProperty(running, "kernel", { value: kernel }) as KernelRig;
}

/** A plugin that does nothing but provide. */
function provider(services: readonly StandIn[]): Plugin {
  return definePlugin({
    name: "test-services",
    version: "1.0.0",
    description: "services that a test provides",
    config: z.strictObject({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    provides: services.map(({ id }) => id),
    setup(context) {
      for (const { id, implementation } of services) context.provide(id, implementation);
      return {};
    },
  });
}
