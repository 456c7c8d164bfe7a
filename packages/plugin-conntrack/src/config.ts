// SPDX-License-Identifier: MIT

import { z } from "zod";

/** Keys of `[[inputs.ebpf]]` that belong to ebpf-conntrack. */
export const conntrackConfig = z.strictObject({
  max_nat_entries: z
    .number()
    .int()
    .min(16)
    .max(4_194_304)
    .default(262_144)
    .describe("translated connections known at once, about 80 bytes of memory each; more are counted as lost"),
  nat_dump_seconds: z
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(300)
    .describe("time between two dumps of the kernel's whole table, which find what no event told"),
});

export type ConntrackConfig = z.infer<typeof conntrackConfig>;
