// SPDX-License-Identifier: MIT

import type { Agent } from "./agent.js";
import { AgentRuntime } from "./agent-runtime.js";
import type { AgentOptions } from "./options.js";

/**
 * Makes an agent. Nothing is loaded, attached or timed before `start()`.
 * @throws SkepError for options that contradict themselves: `SKEP_ERR_PLUGIN_SHAPE`, `SKEP_ERR_PLUGIN_DUPLICATE`,
 * `SKEP_ERR_SERVICE_CYCLE`, and `SKEP_ERR_CONFIG` for a forced strategy that does not exist.
 */
export function createAgent(options: AgentOptions): Agent {
  return new AgentRuntime(options);
}
