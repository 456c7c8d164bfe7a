// SPDX-License-Identifier: MIT

import type { AgentMetrics, AgentStatus, ChosenStrategy, Config, Logger, PluginStatus } from "@skep/core";

type Strategies = Readonly<Record<string, ChosenStrategy>>;

/** Probe group -> name of the strategy that runs; null for an optional group that cannot. */
export const strategyNames = (strategies: Strategies): Record<string, string | null> =>
  Object.fromEntries(Object.entries(strategies).map(([group, { name }]) => [group, name ?? null]));

/** Says in one line which parts of the configuration are accepted and not followed. */
export function logNotices(log: Logger, { notices }: Config): void {
  if (notices.length === 0) return;
  const keys = notices.map(({ key }) => key);
  log.warn({ event: "config", keys }, notices.map(({ where, message }) => `${where}: ${message}`).join("; "));
}

/** Says what observes, once everything that can is attached: `event: "ready"`. */
export function logReady(log: Logger, status: AgentStatus): void {
  const plugins = status.plugins.map(({ name, version, state, support, reasons, strategies }) => ({
    name,
    version,
    state,
    support,
    reasons,
    strategies: strategyNames(strategies),
  }));
  const words = status.plugins.map(({ name, support }) => (support === "full" ? name : `${name} (${support})`));
  const more = status.plugins.every(({ support }) => support === "full") ? "" : "; skep doctor says what is missing";
  log.info({ event: "ready", plugins }, `ready: ${words.join(", ")}${more}`);
}

/** Says what became of every observation: `event: "summary"`. */
export function logSummary(log: Logger, status: AgentStatus, metrics: AgentMetrics): void {
  const plugins = status.plugins.map(({ name, counters }) => ({ name, ...counters }));
  const exporters = status.exporters.map(({ name, exported, dropped }) => ({ name, exported, dropped }));
  const self = {
    drain: metrics.drain,
    flush: metrics.flush,
    rings: metrics.plugins.flatMap(({ name, rings }) => rings.map(({ map, peak }) => ({ plugin: name, map, peak }))),
    programs: metrics.plugins.flatMap(({ name, programs }) =>
      programs.filter(({ runs }) => runs > 0).map((program) => ({ plugin: name, ...program })),
    ),
    ...metrics.process,
  };
  const words = `summary: ${status.plugins.map(countsOf).join("; ")}`;
  log.info({ event: "summary", plugins, exporters, self }, words);
}

function countsOf({ name, counters }: PluginStatus): string {
  const { observed, emitted, dropped } = counters;
  const lost = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
  return `${name} observed ${observed}, emitted ${emitted}, dropped ${lost.length > 0 ? lost.join(", ") : "none"}`;
}
