// SPDX-License-Identifier: MIT

/** The variable that sets a key. */
export const variableOf = (key: string, input?: string): string => `${variablePrefixOf(input)}${key.toUpperCase()}`;

/** What variables of one of DataKit's inputs begin with. */
export const variablePrefixOf = (input = "ebpf"): string => `${variablesBegin}${input.toUpperCase()}_`;

/** What variables of all of them begin with. */
export const variablesBegin = "ENV_INPUT_";

/** Names that variables (after the prefix) and flags have in the reference for keys that are called otherwise in the file. */
const aliases: Readonly<Record<string, string>> = {
  enabled: "enabled_plugins",
  trace_allprocess: "trace_all_process",
  res_cpu: "cpu_limit",
  res_mem: "mem_limit",
  res_net: "net_limit",
  res_bandwidth: "net_limit",
  sampling_rate_ptspermin: "sampling_rate_pts_per_min",
  sampling_rate_ptsperminute: "sampling_rate_pts_per_min",
};

/** Variables without the prefix: of the reference's own collector process, and those it takes from DataKit. */
const variables: Readonly<Record<string, string>> = {
  ENV_HOSTNAME: "hostname",
  ENV_NETLOG_BLACKLIST: "netlog_blacklist",
  ENV_NETLOG_METRIC: "netlog_metric",
  ENV_NETLOG_METRIC_ONLY: "netlog_metric_only",
  ENV_NETLOG_LOG: "netlog_log",
  DKE_K8S_URL: "kubernetes_url",
  DKE_K8S_BEARER_TOKEN: "bearer_token_string",
  DKE_K8S_BEARER_TOKEN_PATH: "bearer_token",
  DKE_K8S_WORKLOAD_LABELS: "workload_labels",
  DKE_K8S_WORKLOAD_LABEL_PREFIX: "workload_label_prefix",
  DKE_NETLOG_NET_FILTER: "netlog_blacklist",
};

/** The key that a flag (hyphens or underscores) or the rest of a variable names. */
export function keyOf(name: string): string {
  const key = name.toLowerCase().replaceAll("-", "_");
  return aliases[key] ?? key;
}

/** The key that a variable of another name sets. */
export const keyOfVariable = (name: string): string | undefined => variables[name];

/** Keys whose flag is called otherwise, as in the reference. */
const flags: Readonly<Record<string, string>> = {
  enabled_plugins: "enabled",
  cpu_limit: "res-cpu",
  mem_limit: "res-mem",
  net_limit: "res-bandwidth",
  sampling_rate_pts_per_min: "sampling-rate-ptsperminute",
};

/** The flag that sets a key, without its dashes. */
export const flagOf = (key: string): string => flags[key] ?? key.replaceAll("_", "-");

/** Other names of a key, for documentation: of its flag and of its variable. */
export function otherNames(key: string): { readonly flags: readonly string[]; readonly variables: readonly string[] } {
  const names = Object.keys(aliases).filter((alias) => aliases[alias] === key);
  const own = Object.keys(variables).filter((variable) => variables[variable] === key);
  const others = [key, ...names].map((name) => name.replaceAll("_", "-")).filter((name) => name !== flagOf(key));
  return { flags: others, variables: [...names.map((name) => variableOf(name)), ...own] };
}
