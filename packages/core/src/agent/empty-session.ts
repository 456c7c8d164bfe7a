// SPDX-License-Identifier: MIT

import type { Session } from "../backend.js";
import { SkepError } from "../errors.js";

/** The session of a plugin without BPF objects: nothing is in it. */
export function emptySession(plugin: string): Session {
  const nothing = (what: string) => (name: string) => {
    throw new SkepError("SKEP_ERR_OBJECT", `plugin ${plugin} has no BPF object and so no ${what} ${name}`, { plugin });
  };
  return {
    strategies: {},
    attach: async () => {},
    attachTo: nothing("program"),
    ring: nothing("ring"),
    map: nothing("map"),
    hasMap: () => false,
    iterator: nothing("iterator"),
    hasProgram: () => false,
    layoutOf: () => undefined,
    close: async () => {},
  };
}
