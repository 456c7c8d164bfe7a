// SPDX-License-Identifier: MIT

import { duration, traceSection } from "@skep/core";
import { z } from "zod";

type Shape = z.ZodObject<{
  trace_server: z.ZodDefault<z.ZodString>;
  trace_all_process: z.ZodDefault<z.ZodBoolean>;
  trace_env_list: Names;
  trace_env_blacklist: Names;
  trace_name_list: Names;
  trace_name_blacklist: Names;
  trace_protos: Names;
  trace_protos_blacklist: Names;
  conv_to_ddtrace: z.ZodDefault<z.ZodBoolean>;
}>;
type Names = z.ZodDefault<z.ZodArray<z.ZodString>>;

/** Where spans go is the business of exporters. */
const { trace_server: _, ...declared } = (traceSection.config as unknown as Shape).shape;

/** Keys of `[[inputs.ebpf]]` that belong to ebpf-trace: the reference's, and what bounds our memory and patience. */
export const traceConfig = z.strictObject({
  ...declared,
  trace_patience: duration().default(5_000).meta({
    description:
      "how long a call waits for the end of the request it was made for, at most; longer ones are not tied to it",
    default: "5s",
  }),
  trace_max_connections: z
    .number()
    .int()
    .min(16)
    .max(1_048_576)
    .default(32_768)
    .describe(
      "TCP connections followed at once, about 150 bytes of kernel memory each; the one used longest ago goes first",
    ),
});

export type TraceConfig = z.infer<typeof traceConfig>;
