// SPDX-License-Identifier: MIT

import { definePlugin, type NatQuery, NatTable, type NatTarget, type Plugin, type PluginContext } from "@skep/core";
import { z } from "zod";

/** A plugin that asks what a test wants to know, as netflow does. */
export interface Asker {
  readonly plugin: Plugin;
  ask(flow: NatQuery): NatTarget | undefined;
}

export function asker(): Asker {
  let context: PluginContext | undefined;
  const plugin = definePlugin({
    name: "asker",
    version: "1.0.0",
    description: "asks for translations",
    config: z.strictObject({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    optionallyUses: [NatTable],
    setup(given) {
      context = given;
      return {};
    },
  });
  return { plugin, ask: (flow) => context?.tryUse(NatTable)?.translate(flow) };
}
