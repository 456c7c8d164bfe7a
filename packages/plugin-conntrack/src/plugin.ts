// SPDX-License-Identifier: MIT

import { definePlugin, NatTable } from "@skep/core";
import { natRecord } from "./codec.gen.js";
import { type ConntrackConfig, conntrackConfig } from "./config.js";
import { conntrackProbes } from "./probes.js";

/**
 * `ebpf-conntrack`: where flows to a translated address (a Kubernetes service, a forwarded port) really go. It emits no points:
 * it provides NatTable, from which netflow and httpflow take `dst_nat_ip` and `dst_nat_port`.
 */
export const conntrack = definePlugin<ConntrackConfig>({
  name: "ebpf-conntrack",
  version: "0.1.0",
  description: "adds dst_nat_ip and dst_nat_port to flows whose destination the kernel translates (DNAT)",
  config: conntrackConfig,
  measurements: [],
  // CAP_SYS_ADMIN to enter other network namespaces, for the dumps.
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"],
  objects: {
    conntrack: {
      x64: new URL("../dist/bpf/conntrack.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/conntrack.arm64.bpf.o", import.meta.url),
    },
  },
  probes: conntrackProbes,
  streams: { entries: { map: "entries", codec: natRecord } },
  provides: [NatTable],

  async setup(context) {
    // It brings a native library: not before it is needed.
    const { Conntrack } = await import("./conntrack.js");
    return Conntrack.create(context);
  },
});
