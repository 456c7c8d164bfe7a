// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";
import { serviceName } from "../service.js";

/**
 * Puts every plugin behind those whose services it uses, optional or not; otherwise the given order stays.
 * A plugin that uses the service it provides itself means the one that was there before.
 * @throws SkepError `SKEP_ERR_SERVICE_CYCLE` naming the plugins and services around the circle.
 */
export function orderByServices<P extends { readonly plugin: Plugin }>(entries: readonly P[]): P[] {
  const ordered = new Set<P>();
  const path: { readonly entry: P; readonly via: string }[] = [];

  const visit = (entry: P, via: string): void => {
    if (ordered.has(entry)) return;
    const start = path.findIndex((step) => step.entry === entry);
    if (start >= 0) throw cycle([...path.slice(start), { entry, via }]);
    path.push({ entry, via });
    for (const id of [...(entry.plugin.uses ?? []), ...(entry.plugin.optionallyUses ?? [])]) {
      const service = serviceName(id);
      for (const provider of entries) {
        if (provider !== entry && provides(provider.plugin, service)) visit(provider, service);
      }
    }
    path.pop();
    ordered.add(entry);
  };

  for (const entry of entries) visit(entry, "");
  return [...ordered];
}

/** True when the plugin's manifest provides the service of this name (`key@major`). */
export const provides = (plugin: Plugin, service: string): boolean =>
  (plugin.provides ?? []).some((id) => serviceName(id) === service);

function cycle(steps: readonly { readonly entry: { readonly plugin: Plugin }; readonly via: string }[]): SkepError {
  const [first, ...rest] = steps;
  const circle = rest.reduce(
    (text, { entry, via }) => `${text} uses ${via} of ${entry.plugin.name}`,
    first?.entry.plugin.name ?? "",
  );
  return new SkepError("SKEP_ERR_SERVICE_CYCLE", `plugins need each other's services in a circle: ${circle}`, {
    hint: "leave one of them out of enabled_plugins",
  });
}
