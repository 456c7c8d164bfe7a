// SPDX-License-Identifier: MIT

import {
  definePlugin,
  DomainNames,
  KubernetesMetadata,
  MappedFiles,
  NatTable,
  type PluginInstance,
  type ProbeGroup,
  ProcessTable,
} from "@skep/core";
import { connRecord, listenerRecord, udpFlow, udpFlowKey } from "./codec.gen.js";
import { netConfig, type NetConfig } from "./config.js";
import { dnsEvent } from "./dns-codec.gen.js";
import { Dnsflow } from "./dnsflow/dnsflow.js";
import { dnsflow } from "./dnsflow/measurement.js";
import { dnsProbes } from "./dnsflow/probes.js";
import { httpChunk, httpEvent, httpExchange, httpOrder } from "./http-codec.gen.js";
import { Httpflow } from "./httpflow/httpflow.js";
import { httpflow } from "./httpflow/measurement.js";
import { httpProbes } from "./httpflow/probes.js";
import { inOrder } from "./in-order.js";
import { enabledL7 } from "./l7net.js";
import { netflow } from "./netflow/measurement.js";
import { Netflow } from "./netflow/netflow.js";
import { netflowProbes } from "./netflow/probes.js";
import { tlsProbes } from "./tls/probes.js";
import { Tls } from "./tls/tls.js";

const objectFiles = (name: string) => ({
  x64: new URL(`../dist/bpf/${name}.x64.bpf.o`, import.meta.url),
  arm64: new URL(`../dist/bpf/${name}.arm64.bpf.o`, import.meta.url),
});

const groups = (probes: Readonly<Record<string, ProbeGroup>>): readonly string[] => Object.keys(probes);

/** `ebpf-net`: what every connection of this host moved, how well, the HTTP exchanges in it, under TLS too, and DNS. */
export const net = definePlugin<NetConfig>({
  name: "ebpf-net",
  version: "0.1.0",
  description: "TCP and UDP traffic per process and peer (netflow), HTTP exchanges (httpflow), DNS exchanges (dnsflow)",
  config: netConfig,
  measurements: [netflow, httpflow, dnsflow],
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"],
  objects: {
    netflow: objectFiles("netflow"),
    http: objectFiles("http"),
    tls: objectFiles("tls"),
    tls_socket: objectFiles("tls_socket"),
    dns: objectFiles("dns"),
  },
  probes: { ...netflowProbes, ...httpProbes, ...tlsProbes, ...dnsProbes },
  streams: {
    closed: { map: "closed", codec: connRecord },
    http: { map: "http_events", codec: httpEvent },
    dns: { map: "dns_events", codec: dnsEvent },
  },
  layouts: [listenerRecord, udpFlowKey, udpFlow, httpExchange, httpChunk, httpOrder],
  uses: [ProcessTable, MappedFiles],
  optionallyUses: [NatTable, DomainNames, KubernetesMetadata],

  load(config) {
    const l7 = enabledL7(config);
    return {
      rodata: { skip_loopback: !config.loopback, skip_ipv6: config.ipv6_disabled },
      mapEntries: {
        conns: config.max_connections,
        udp_flows_0: config.max_udp_flows,
        udp_flows_1: config.max_udp_flows,
        http_conns: config.httpflow_max_connections,
        tls_conns: config.httpflow_max_connections,
        http_orders: config.httpflow_max_connections,
      },
      without: [
        ...(l7.has("httpflow") ? [] : groups(httpProbes)),
        ...(l7.has("httpflow-tls") ? [] : groups(tlsProbes)),
      ],
    };
  },

  setup(context) {
    const netflow = new Netflow(context);
    // It is flushed first: it knows which connections there are, and who owns them.
    const parts: PluginInstance[] = [netflow];
    const seesTls = context.strategy("tls_plaintext") !== undefined;
    if (seesTls || context.strategy("http") !== undefined) parts.push(new Httpflow(context, netflow));
    if (seesTls) parts.push(new Tls(context));
    if (context.strategy("dns") !== undefined) parts.push(new Dnsflow(context));
    return inOrder(...parts);
  },
});
