// SPDX-License-Identifier: MIT

import { type DomainNames, type KubernetesMetadata, optionalTag, tag } from "@skep/core";
import { addressType, formatAddress, isIPv4 } from "./netflow/addresses.js";
import { Direction } from "./netflow/direction.js";

/** Tags of every measurement of ebpf-net: who talks with whom. */
export const flowTags = {
  family: tag("`IPv4` (v4-mapped addresses too) or `IPv6`"),
  transport: tag("`tcp` or `udp`"),
  direction: tag("`incoming`: accepted here, or the port is served here; else `outgoing`"),
  src_ip: tag("local address"),
  src_port: tag("local port; `*` for a client port (see ephemeral_port)"),
  src_ip_type: tag("`private`, `loopback`, `multicast` or `other`"),
  dst_ip: tag("address of the peer"),
  dst_port: tag("port of the peer; `*` for a client port"),
  dst_ip_type: tag("`private`, `loopback`, `multicast` or `other`"),
  dst_domain: tag("name the peer's address was last resolved from; empty when not known"),
  dst_nat_ip: tag("where destination NAT really leads; `N/A` without"),
  dst_nat_port: tag("port after destination NAT; `N/A` without"),
  pid: tag("process that connected or accepted, in the host's pid namespace"),
  process_name: tag("its name"),
  sub_source: optionalTag("`K8s` when either end belongs to the cluster"),
  src_k8s_namespace: optionalTag("Kubernetes namespace of the local end"),
  src_k8s_pod_name: optionalTag("pod of the local end"),
  src_k8s_service_name: optionalTag("service of the local end"),
  src_k8s_deployment_name: optionalTag("deployment of the local end"),
  dst_k8s_namespace: optionalTag("Kubernetes namespace of the peer"),
  dst_k8s_pod_name: optionalTag("pod of the peer"),
  dst_k8s_service_name: optionalTag("service of the peer"),
  dst_k8s_deployment_name: optionalTag("deployment of the peer"),
} as const;

/** Who talks with whom, after client ports were folded. */
export interface Flow {
  readonly transport: "tcp" | "udp";
  readonly direction: Direction;
  /** Addresses as netflow/addresses.ts has them: `srcAt` and `dstAt` are the first of four words. */
  readonly words: Uint32Array;
  readonly srcAt: number;
  readonly dstAt: number;
  /** 0: any. */
  readonly srcPort: number;
  readonly dstPort: number;
  readonly pid: number;
  readonly processName: string;
  /** `ip port` after destination NAT; empty without. */
  readonly nat: string;
}

/** Services that know more about the ends of a flow. */
export interface Enrichment {
  readonly domains?: DomainNames | undefined;
  readonly kubernetes?: KubernetesMetadata | undefined;
}

const NOT_AVAILABLE = "N/A";
const port = (number: number): string => (number === 0 ? "*" : String(number));

/** The values of {@link flowTags} for one flow. */
export function flowTagsOf(flow: Flow, { domains, kubernetes }: Enrichment) {
  const { transport, words, srcAt, dstAt, srcPort, dstPort, pid } = flow;
  const srcIp = formatAddress(words, srcAt);
  const dstIp = formatAddress(words, dstAt);
  const [natIp, natPort] = flow.nat.split(" ");
  const nat = natIp && natPort ? { ip: natIp, port: Number(natPort) } : undefined;
  return {
    family: isIPv4(words, srcAt) && isIPv4(words, dstAt) ? "IPv4" : "IPv6",
    transport,
    direction: flow.direction === Direction.INCOMING ? "incoming" : "outgoing",
    src_ip: srcIp,
    src_port: port(srcPort),
    src_ip_type: addressType(words, srcAt),
    dst_ip: dstIp,
    dst_port: port(dstPort),
    dst_ip_type: addressType(words, dstAt),
    dst_domain: domains?.nameOf(dstIp) ?? "",
    dst_nat_ip: nat?.ip ?? NOT_AVAILABLE,
    dst_nat_port: natPort ?? NOT_AVAILABLE,
    pid: String(pid),
    process_name: flow.processName,
    ...kubernetes?.tagsOf({ transport, srcIp, srcPort, dstIp, dstPort, pid, ...(nat && { nat }) }),
  };
}
