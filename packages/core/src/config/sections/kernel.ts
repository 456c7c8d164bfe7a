// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defineSection } from "../section.js";
import { optionalText } from "../values.js";

const schema = z.strictObject({
  btf_path: optionalText().meta({
    description:
      "types of this kernel, where it does not tell them itself: a BTF file, or a directory with RELEASE.btf in it, such as a copy of BTFHub's archive",
    examples: ["/var/lib/skep/btf"],
  }),
  bpf_stats: z
    .boolean()
    .default(false)
    .describe(
      "count runs and run times of BPF programs for the agent's own metrics; costs every BPF program of the host two clock readings per run",
    ),
});

/** What the agent must be told of the kernel it runs on. */
export const kernelSection = defineSection({
  name: "kernel",
  description: "what the agent must be told of the kernel",
  config: schema,
});

export type KernelConfig = z.output<typeof schema>;
