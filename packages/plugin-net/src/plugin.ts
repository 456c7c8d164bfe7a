// SPDX-License-Identifier: MIT

import { definePlugin, DomainNames, KubernetesMetadata, NatTable, ProcessTable } from "@skep/core";
import { connRecord, listenerRecord, udpFlow, udpFlowKey } from "./codec.gen.js";
import { netConfig, type NetConfig } from "./config.js";
import { netflow } from "./netflow/measurement.js";
import { netflowProbes } from "./netflow/probes.js";
import { Netflow } from "./netflow/netflow.js";

/** `ebpf-net`: what every connection of this host moved, and how well. */
export const net = definePlugin<NetConfig>({
  name: "ebpf-net",
  version: "0.1.0",
  description: "TCP and UDP traffic per process and peer (netflow)",
  config: netConfig,
  measurements: [netflow],
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
  objects: {
    netflow: {
      x64: new URL("../dist/bpf/netflow.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/netflow.arm64.bpf.o", import.meta.url),
    },
  },
  probes: netflowProbes,
  streams: { closed: { map: "closed", codec: connRecord } },
  layouts: [listenerRecord, udpFlowKey, udpFlow],
  uses: [ProcessTable],
  optionallyUses: [NatTable, DomainNames, KubernetesMetadata],

  load: (config) => ({
    rodata: { skip_loopback: !config.loopback, skip_ipv6: config.ipv6_disabled },
    mapEntries: {
      conns: config.max_connections,
      udp_flows_0: config.max_udp_flows,
      udp_flows_1: config.max_udp_flows,
    },
  }),

  setup: (context) => new Netflow(context),
});
