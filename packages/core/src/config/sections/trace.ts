// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defineSection } from "../section.js";

const names = (description: string, examples: readonly string[] = []) =>
  z
    .array(z.string().min(1))
    .default([])
    .meta({ description, examples: [examples] });

/** Variables that name the service of a span, and that by default make a process one to be traced. */
const serviceVariables = ["DK_BPFTRACE_SERVICE", "DD_SERVICE", "OTEL_SERVICE_NAME"];

/** Keys of ebpf-trace, so that they are known and checked where that plugin is not. */
export const traceSection = defineSection({
  name: "ebpf-trace",
  description: "which processes' requests become spans",
  config: z.strictObject({
    trace_server: z
      .string()
      .default("")
      .meta({
        description: "DataKit server that links spans (its input `ebpftrace`): host:port or URL",
        examples: ["127.0.0.1:9529"],
      }),
    trace_all_process: z.boolean().default(false).describe("trace every process that no blacklist names"),
    trace_env_list: names(
      "trace processes that have one of these environment variables; with neither list, those that name a service",
      serviceVariables,
    ),
    trace_env_blacklist: names("never trace processes that have one of these environment variables"),
    trace_name_list: names("trace processes of these names", ["chrome", "firefox"]),
    trace_name_blacklist: names("never trace processes of these names; `datakit` and `datakit-ebpf` never are"),
    trace_protos: names("protocols whose requests become spans; nothing: all", ["http"]),
    trace_protos_blacklist: names("protocols whose requests become no spans"),
    conv_to_ddtrace: z
      .boolean()
      .default(false)
      .describe("write trace ids of applications as Datadog does, 64 bits in decimal"),
  }),
});
