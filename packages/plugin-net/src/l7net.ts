// SPDX-License-Identifier: MIT

/** What `l7net_enabled` and `l7net_disabled` name: HTTP in plain sight, and HTTP inside TLS. */
export const l7Protocols = ["httpflow", "httpflow-tls"] as const;
export type L7Protocol = (typeof l7Protocols)[number];

/** The two lists as configured; undefined when not set. */
export interface L7Lists {
  readonly l7net_enabled?: readonly L7Protocol[] | undefined;
  readonly l7net_disabled?: readonly L7Protocol[] | undefined;
}

/**
 * What is looked into. `l7net_enabled` decides when it names anything; else everything but what `l7net_disabled` names.
 * Neither set means `httpflow`, an `l7net_enabled` that was set to nothing means nothing.
 */
export function enabledL7({ l7net_enabled: enabled, l7net_disabled: disabled }: L7Lists): ReadonlySet<L7Protocol> {
  if (enabled?.length) return new Set(enabled);
  if (disabled?.length) return new Set(l7Protocols.filter((protocol) => !disabled.includes(protocol)));
  return new Set(enabled ? [] : ["httpflow"]);
}
