// SPDX-License-Identifier: MIT

import type { RecordHandler, Ring, Session } from "../backend.js";
import { SkepError } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Plugin, PluginContext } from "../plugin.js";
import { serviceName, type ServiceId } from "../service.js";
import type { Ledger } from "./ledger.js";
import type { Surroundings } from "./surroundings.js";

/** What the context hands on to the run it belongs to. */
export interface ContextParts {
  readonly plugin: Plugin;
  readonly config: unknown;
  readonly session: Session;
  readonly surroundings: Surroundings;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly signal: AbortSignal;
  isClosed(): boolean;
  /** To be withdrawn when the plugin is closed. */
  provided(id: ServiceId<unknown>, implementation: unknown): void;
  read(ring: Ring, handler: RecordHandler, urgent: boolean): void;
  /** @param map name of the ring */
  catchUp(map: string): void;
  every(ms: number, fn: () => void | Promise<void>): void;
  degrade(reason: string): () => void;
}

/** The plugin's window on the agent. After the plugin is closed, points it still emits are counted as lost. */
export function createPluginContext(parts: ContextParts): PluginContext {
  const { plugin, session, surroundings, ledger } = parts;
  const { services, clock } = surroundings;

  return {
    config: parts.config as Readonly<unknown>,
    scope: surroundings.scope,
    host: surroundings.host,
    log: parts.log,
    signal: parts.signal,
    bootTime: () => clock.unixNs() - clock.monotonicNs(),
    strategy: (group) => session.strategies[group]?.name,
    ring: (stream) => {
      const spec = plugin.streams[stream];
      if (spec === undefined) {
        throw new SkepError("SKEP_ERR_OBJECT", `plugin ${plugin.name} declares no stream ${stream}`, {
          plugin: plugin.name,
        });
      }
      return {
        on: (handler) => parts.read(session.ring(spec.map), handler, spec.urgent ?? false),
        catchUp: () => parts.catchUp(spec.map),
      };
    },
    map: (name) => session.map(name),
    iterator: (program, target) => session.iterator(program, target),
    hasProgram: (program) => session.hasProgram(program),
    attachTo: (program, where) => session.attachTo(program, where),
    emit: (point) => {
      if (parts.isClosed()) return ledger.lose("after_close");
      if (!surroundings.sampler.keeps(point)) return ledger.drop("sampled");
      ledger.emit();
      surroundings.emit(point);
    },
    count: (kind, n) => (kind === "observed" ? ledger.observe(n) : ledger.aggregate(n)),
    drop: (reason, n) => ledger.drop(reason, n),
    provide: (id, implementation) => {
      assertDeclared(plugin, id, "provides");
      services.provide(id, implementation);
      parts.provided(id, implementation);
    },
    use: (id) => {
      assertDeclared(plugin, id, "uses");
      const found = services.find(id);
      if (found !== undefined) return found;
      throw new SkepError("SKEP_ERR_SERVICE_MISSING", `plugin ${plugin.name}: nobody provides ${serviceName(id)} now`, {
        plugin: plugin.name,
      });
    },
    tryUse: (id) => {
      assertDeclared(plugin, id, "uses", "optionallyUses");
      return services.find(id);
    },
    every: (ms, fn) => parts.every(ms, fn),
    fact: (_key, look) => look(),
    sleep: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    degrade: (reason) => parts.degrade(reason),
  };
}

/** Start order is made from the manifest, so what it does not name may be there one day and not the next. */
function assertDeclared(
  plugin: Plugin,
  id: ServiceId<unknown>,
  ...lists: ("provides" | "uses" | "optionallyUses")[]
): void {
  const name = serviceName(id);
  if (lists.some((list) => plugin[list]?.some((declared) => serviceName(declared) === name))) return;
  throw new SkepError(
    "SKEP_ERR_SERVICE_UNDECLARED",
    `plugin ${plugin.name} does not declare the service ${name} in ${lists.join(" or ")}`,
    { plugin: plugin.name, hint: `add ${name} to the plugin's ${lists.join(" or ")}` },
  );
}
