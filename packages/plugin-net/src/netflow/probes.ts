// SPDX-License-Identifier: MIT

import { type ProbeGroup, scopeProbes } from "@skep/core";

const connMapIterator = { kind: "iter", target: "bpf_map_elem", map: "conns" } as const;
const fileIterator = { kind: "iter", target: "task_file" } as const;

/** What netflow hooks, best first. Nothing here runs per message of a TCP connection. */
export const netflowProbes = {
  tcp_state: {
    object: "netflow",
    observes: "TCP connections opening and closing, with their final counters",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          tcp_state: { kind: "tp_btf", event: "inet_sock_set_state" },
          tcp_state2: { kind: "tp_btf", event: "inet_sock_set_state" },
          tcp_destroy: { kind: "tp_btf", event: "tcp_destroy_sock" },
          tcp_destroy2: { kind: "tp_btf", event: "tcp_destroy_sock" },
        },
      },
    ],
  },
  tcp_harvest: {
    object: "netflow",
    observes: "counters of live TCP connections, once an interval",
    strategies: [
      { name: "cast", requires: ["ksym:bpf_rdonly_cast"], programs: { harvest_cast: connMapIterator } },
      { name: "probe_read", programs: { harvest_probe: connMapIterator } },
    ],
  },
  tcp_accept: {
    object: "netflow",
    observes: "which process accepted a connection",
    strategies: [
      { name: "fexit", programs: { accept_fexit: { kind: "fexit", fn: "inet_accept" } } },
      {
        name: "kretprobe",
        programs: { accept_kret: { kind: "kretprobe", fn: "inet_csk_accept" } },
        limits: "an accept can be missed while many threads of a process wait in accept at once",
      },
      {
        name: "holders",
        requires: ["ksym:bpf_sock_from_file"],
        programs: { name_holders: fileIterator },
        limits:
          "accept cannot be hooked: an incoming connection belongs to the process that holds or closes it, " +
          "which differs from the one that accepted it when descriptors are passed on",
      },
    ],
  },
  tcp_seed: {
    object: "netflow",
    optional: true,
    observes: "TCP connections and listeners from before the start",
    strategies: [
      { name: "sock_from_file", requires: ["ksym:bpf_sock_from_file"], programs: { seed_tcp: fileIterator } },
      { name: "private_data", requires: ["ksym:socket_file_ops"], programs: { seed_tcp_file: fileIterator } },
    ],
  },
  udp: {
    object: "netflow",
    observes: "UDP datagrams, counted where a process sends or receives them",
    strategies: [
      {
        name: "fentry",
        programs: {
          udp_tx4_fentry: { kind: "fentry", fn: "ip_send_skb" },
          udp_tx6_fentry: { kind: "fentry", fn: "ip6_send_skb" },
          udp_rx_fentry: { kind: "fentry", fn: "skb_consume_udp" },
        },
      },
      {
        name: "kprobe",
        programs: {
          udp_tx4_kprobe: { kind: "kprobe", fn: "ip_send_skb" },
          udp_tx6_kprobe: { kind: "kprobe", fn: "ip6_send_skb" },
          udp_rx_kprobe: { kind: "kprobe", fn: "skb_consume_udp" },
        },
      },
      {
        name: "cgroup_skb",
        requires: ["ksym:bpf_rdonly_cast"],
        programs: {
          udp_egress: { kind: "cgroup_skb", direction: "egress" },
          udp_ingress: { kind: "cgroup_skb", direction: "ingress" },
          udp_create: { kind: "cgroup_sock", hook: "sock_create" },
          seed_udp: fileIterator,
        },
        limits:
          "datagrams are counted when they reach the socket, read or not; " +
          "received ones belong to the process that made the socket or last sent on it",
      },
    ],
  },
  scope: { ...scopeProbes.scope, object: "netflow" },
} as const satisfies Record<string, ProbeGroup>;
