// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalField, optionalTag, tag } from "@skep/core";

const kubernetes = {
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

/** One point an interval for the connections of one process with one peer that differ only in client port. */
export const netflow = defineMeasurement({
  name: "netflow",
  category: "network",
  description: "TCP and UDP traffic of a process with a peer",
  tags: {
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
    ...kubernetes,
  },
  fields: {
    bytes_read: field("int", "By", "bytes applications read in the interval"),
    bytes_written: field("int", "By", "bytes applications wrote in the interval"),
    retransmits: optionalField("int", "1", "segments sent again (TCP)"),
    rtt: optionalField("int", "us", "smoothed round trip time, mean over the connections (TCP)"),
    rtt_var: optionalField("int", "us", "mean deviation of the round trip time (TCP)"),
    tcp_established: optionalField("int", "1", "connections established in the interval"),
    tcp_closed: optionalField("int", "1", "connections closed in the interval"),
  },
});
