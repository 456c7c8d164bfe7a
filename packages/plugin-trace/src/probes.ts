// SPDX-License-Identifier: MIT

import { type ProbeGroup, scopeProbes } from "@skep/core";
import { goProbes } from "./go/probes.js";

/** What ebpf-trace hooks, best first. */
export const traceProbes = {
  bytes: {
    object: "trace",
    observes: "bytes of TCP connections, with their sequence numbers",
    strategies: [
      {
        name: "cgroup_skb",
        programs: {
          trace_egress: { kind: "cgroup_skb", direction: "egress" },
          trace_ingress: { kind: "cgroup_skb", direction: "ingress" },
          trace_close: { kind: "tp_btf", event: "tcp_destroy_sock" },
        },
      },
    ],
  },
  received: {
    object: "trace",
    observes: "which thread reads from a connection",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          trace_received: { kind: "tp_btf", event: "tcp_rcv_space_adjust" },
          trace_received2: { kind: "tp_btf", event: "tcp_rcv_space_adjust" },
        },
      },
    ],
  },
  sent: {
    object: "trace",
    observes: "which thread writes to a connection",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          trace_sent: { kind: "tp_btf", event: "sock_send_length" },
          trace_sent2: { kind: "tp_btf", event: "sock_send_length" },
        },
      },
      {
        name: "fexit",
        programs: {
          sent_fexit: { kind: "fexit", fn: "tcp_sendmsg" },
          page_fexit: { kind: "fexit", fn: "tcp_sendpage" },
        },
      },
      { name: "fexit_sendmsg", programs: { sent_fexit: { kind: "fexit", fn: "tcp_sendmsg" } } },
      {
        name: "kprobe",
        programs: { sent_kprobe: { kind: "kprobe", fn: "tcp_sendmsg" } },
        limits: "threads that write to one connection at once are not told from each other",
      },
    ],
  },
  ...goProbes,
  scope: { ...scopeProbes.scope, object: "trace" },
} as const satisfies Record<string, ProbeGroup>;
