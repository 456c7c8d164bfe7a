// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defaultLimits } from "../../agent/defaults.js";
import { defineSection } from "../section.js";
import { duration, optionalText, size } from "../values.js";

const schema = z.strictObject({
  export_queue: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(defaultLimits.queuedPoints)
    .describe("points that may wait in memory for each exporter; beyond that the oldest are dropped, counted"),
  export_timeout: duration().default(defaultLimits.exportMs).meta({
    description: "longest wait for an answer to one export, which is then tried again",
    default: "30s",
  }),
  spool_dir: optionalText().meta({
    description:
      "directory where points wait while a server is away, over restarts too; nothing: they wait in memory alone",
    examples: ["/var/lib/skep/spool"],
  }),
  spool_size: size()
    .default(256 * 2 ** 20)
    .meta({
      description: "most disk space of one exporter's spool; beyond that the oldest points are dropped, counted",
      default: "256MiB",
    }),
});

/** How points wait for servers that are slow or away. */
export const deliverySection = defineSection({
  name: "delivery",
  description: "how points wait for a server that is slow or away",
  config: schema,
});

export type DeliveryConfig = z.output<typeof schema>;
