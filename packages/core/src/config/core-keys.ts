// SPDX-License-Identifier: MIT

import { z } from "zod";
import { defaultIntervalMs, defaultService } from "../agent/defaults.js";
import { parseDuration } from "./duration.js";

const text = z.string();
const nonEmpty = (value: string) => (value === "" ? undefined : value);

/** Keys that belong to the agent itself. */
export const coreKeys = {
  enabled_plugins: z.array(text.min(1)).default([]),
  interval: z
    .union([text, z.number()])
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (ms !== undefined && ms > 0) return ms;
      context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is no duration such as "60s" or "1m30s"` });
      return z.NEVER;
    })
    .default(defaultIntervalMs),
  hostname: text.transform(nonEmpty).optional(),
  service: text.min(1).default(defaultService),
  tags: z.record(text, z.union([text, z.number(), z.boolean()]).transform(String)).default({}),
  log_level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  log: text.transform(nonEmpty).optional(),
} as const;

export type CoreKey = keyof typeof coreKeys;
export const isCoreKey = (key: string): key is CoreKey => Object.hasOwn(coreKeys, key);

/** Keys with which DataKit starts its own collector process. */
const datakitOnly = ["daemon", "name", "cmd", "args", "envs"];

/** Keys of the reference that nothing here looks at yet. A plugin that declares one of them takes it over. */
const notYet = [
  "bearer_token",
  "bearer_token_string",
  "container_endpoints",
  "conv_to_ddtrace",
  "cpu_limit",
  "datakit_apiserver",
  "ephemeral_port",
  "ipv6_disabled",
  "kubernetes_url",
  "l7net_disabled",
  "l7net_enabled",
  "mem_limit",
  "net_limit",
  "netlog_blacklist",
  "netlog_log",
  "netlog_metric",
  "netlog_metric_only",
  "netlog_protocols",
  "pidfile",
  "pprof_host",
  "pprof_port",
  "sampling_rate",
  "sampling_rate_pts_per_min",
  "trace_all_process",
  "trace_env_blacklist",
  "trace_env_list",
  "trace_name_blacklist",
  "trace_name_list",
  "trace_protos",
  "trace_protos_blacklist",
  "trace_server",
  "workload_label_prefix",
  "workload_labels",
];

/** Key that is accepted and ignored -> why, so that every `ebpf.conf` of the reference starts. */
export const ignoredKeys: ReadonlyMap<string, string> = new Map([
  ...datakitOnly.map((key) => [key, "says how DataKit starts its own collector and is ignored"] as const),
  ...notYet.map((key) => [key, "is not yet implemented and is ignored"] as const),
]);
