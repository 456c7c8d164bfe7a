// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defineSection } from "../section.js";
import { numberLimit, sizeLimit } from "../values.js";

const schema = z.strictObject({
  cpu_limit: numberLimit()
    .optional()
    .meta({ description: "processor cores the agent itself may use; nothing: no limit", examples: ["1.5"] }),
  mem_limit: sizeLimit()
    .optional()
    .meta({ description: "memory the agent itself may use; nothing: no limit", examples: ["512MiB"] }),
  sampling_rate: numberLimit(1)
    .optional()
    .meta({ description: "share of the points that is kept, above 0 to 1; nothing: all", examples: ["0.5"] }),
  sampling_rate_pts_per_min: numberLimit()
    .optional()
    .meta({
      description: "points a minute and category that are kept, if sampling_rate says nothing",
      examples: ["1500"],
    }),
});

/** Bounds on the agent's own use of the host, and on how much it tells. */
export const limitsSection = defineSection({
  name: "limits",
  description: "what the agent may use, and how much it tells",
  config: schema,
});

export type LimitsConfig = z.output<typeof schema>;
