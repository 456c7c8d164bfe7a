// SPDX-License-Identifier: MIT
// What the reference has and Skep has not: accepted, so that every configuration of the reference starts, and said.

import { z } from "zod";
import { sizeLimit } from "./values.js";

const text = z.string();
const flag = z.boolean();
const list = z.array(text);

/** A key that is accepted and ignored. */
export interface LeftOutKey {
  readonly schema: z.ZodType;
  /** Follows the key's name in a sentence. */
  readonly why: string;
}

const starts = "says how DataKit starts its own collector and is ignored";
const netlog = "belongs to bpf-netlog, which Skep leaves out, and is ignored";
const pprof = "is for profiling a Go program and is ignored: start Skep with NODE_OPTIONS=--cpu-prof";

export const leftOutKeys: Readonly<Record<string, LeftOutKey>> = {
  daemon: { schema: flag, why: starts },
  name: { schema: text, why: starts },
  cmd: { schema: text, why: starts },
  /** Their flags are read like those of the command line. */
  args: { schema: list, why: "is read as flags" },
  envs: { schema: list, why: starts },
  pprof_host: { schema: text, why: pprof },
  pprof_port: { schema: z.union([text, z.number()]), why: pprof },
  net_limit: {
    schema: sizeLimit(),
    why: "ends the reference when any interface of the host is busier than that, whoever sends; it is ignored",
  },
  container_endpoints: { schema: list, why: "is not needed to find containers and is ignored" },
  netlog_blacklist: { schema: text, why: netlog },
  netlog_metric: { schema: flag, why: netlog },
  netlog_metric_only: { schema: flag, why: netlog },
  netlog_log: { schema: flag, why: netlog },
  netlog_protocols: { schema: list, why: netlog },
};

/** Plugins of the reference that Skep leaves out: name -> why. */
export const leftOutPlugins: Readonly<Record<string, string>> = {
  "bpf-netlog":
    "captures packets and writes a log line of each; Skep leaves it out. ebpf-net counts the same connections and requests without capturing packets",
};
