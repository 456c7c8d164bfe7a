// SPDX-License-Identifier: MIT

import type { OpenRequest, Session } from "../backend.js";
import { SkepError } from "../errors.js";
import type { Logger } from "../logger.js";
import type { LoadPlan, Plugin } from "../plugin.js";
import { emptySession } from "./empty-session.js";
import { proveLayouts } from "./layout-proof.js";
import { readObjects } from "./objects.js";
import { fillScopeMaps, scopeMask } from "./scope-maps.js";
import type { Surroundings } from "./surroundings.js";

/** What the backend is asked for: the plugin's own plan, the strategies the user forces, the scope. */
export async function openRequestOf(
  plugin: Plugin,
  config: unknown,
  log: Logger,
  surroundings: Pick<Surroundings, "backend" | "host" | "scope" | "strategies" | "allowMutation">,
): Promise<OpenRequest> {
  const { backend, host, scope, strategies, allowMutation } = surroundings;
  const plan: LoadPlan = plugin.load?.(config, scope) ?? {};
  const without = new Set(plan.without);
  const probes = Object.fromEntries(
    Object.entries(plugin.probes).filter(
      ([name, { onlyScopedBy: kind }]) => !without.has(name) && (kind === undefined || scope[kind]?.length),
    ),
  );
  return {
    plugin: plugin.name,
    objects: backend.readsObjects === false ? {} : await readObjects(plugin, host.arch),
    probes,
    rodata: { ...plan.rodata, skep_scope_mask: scopeMask(scope) },
    mapEntries: plan.mapEntries ?? {},
    force: forcedStrategies(plugin.name, Object.keys(probes), strategies),
    scope,
    allowMutation,
    log,
  };
}

/** Loads the plugin's objects; nothing observes yet. A plugin without objects gets a session without anything. */
export async function openSession(
  plugin: Plugin,
  config: unknown,
  log: Logger,
  surroundings: Surroundings,
): Promise<Session> {
  if (Object.keys(plugin.objects).length === 0) return emptySession(plugin.name);
  return surroundings.backend.open(await openRequestOf(plugin, config, log, surroundings));
}

/**
 * Proves the layouts and limits the session to the scope. Returns why the plugin sees less than it should.
 * @throws SkepError `SKEP_ERR_SCOPE` when the session could see more than the scope: what nobody asked for is not observed.
 */
export function prepareSession(plugin: Plugin, session: Session, surroundings: Surroundings): string[] {
  proveLayouts(plugin, session);
  const reasons = Object.entries(session.strategies)
    .filter(([, chosen]) => chosen.name === undefined)
    .map(([group, { refused }]) => {
      const why = refused.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
      return `probe group ${group} cannot run${why && ` (${why})`}`;
    });
  if (Object.keys(plugin.objects).length === 0) return reasons;
  if (surroundings.scope.pids?.length && session.hasMap("scope_pids") && !session.hasProgram("scope_fork")) {
    reasons.push(
      "children that processes of the scope start from now on are not seen: its probes lack core's scopeProbes",
    );
  }
  const unlimited = fillScopeMaps(session, surroundings.resolvedScope(), surroundings.host.procRoot);
  if (unlimited.length > 0 && !isLimitedByAttachment(plugin, session, unlimited)) {
    throw new SkepError(
      "SKEP_ERR_SCOPE",
      `${plugin.name}: its objects cannot be limited to the scope's ${unlimited.join(" and ")}`,
      {
        plugin: plugin.name,
        phase: "load",
        hint: "its BPF programs must ask skep/scope.bpf.h, or run it without a scope",
      },
    );
  }
  return reasons;
}

/** Programs of a cgroup see nothing else, whatever maps there are. */
function isLimitedByAttachment(plugin: Plugin, session: Session, kinds: readonly string[]): boolean {
  if (kinds.some((kind) => kind !== "cgroups")) return false;
  const attachments = Object.entries(session.strategies).flatMap(([group, chosen]) => {
    const strategy = plugin.probes[group]?.strategies.find(({ name }) => name === chosen.name);
    return Object.values(strategy?.programs ?? {}).flat();
  });
  return attachments.every(({ kind }) => kind.startsWith("cgroup_") || kind === "sockops");
}

/** `plugin/group` says more than `group`, so it wins. */
function forcedStrategies(
  plugin: string,
  groups: readonly string[],
  strategies: Readonly<Record<string, string>>,
): Record<string, string> {
  const forced: Record<string, string> = {};
  for (const group of groups) {
    const name = strategies[`${plugin}/${group}`] ?? strategies[group];
    if (name !== undefined) forced[group] = name;
  }
  return forced;
}
