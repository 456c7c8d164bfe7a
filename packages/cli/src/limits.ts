// SPDX-License-Identifier: MIT

import { limitsSection, sectionOf, type AgentOptions, type Config } from "@skep/core";

/** What the agent may use, and how much it tells. */
export function limitsOf(config: Config): Pick<AgentOptions, "sampling" | "resources"> {
  const { cpu_limit, mem_limit, sampling_rate, sampling_rate_pts_per_min } = sectionOf(config, limitsSection);
  const resources = {
    ...(cpu_limit !== undefined && { cpuCores: cpu_limit }),
    ...(mem_limit !== undefined && { memoryBytes: mem_limit }),
  };
  const sampling = {
    ...(sampling_rate !== undefined && { rate: sampling_rate }),
    ...(sampling_rate_pts_per_min !== undefined && { pointsPerMinute: sampling_rate_pts_per_min }),
  };
  return { sampling, ...(Object.keys(resources).length > 0 && { resources }) };
}
