// SPDX-License-Identifier: MIT

import type { Agent } from "./agent.js";
import type { AgentOptions } from "./options.js";

/** Makes an agent. Nothing is loaded before `start()`. */
export function createAgent(options: AgentOptions): Agent {
  throw new Error(`not there yet: ${options.backend.name}`);
}
