// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "@skep/core";

/**
 * What httpflow hooks. Object `http` has a ring `http_events`, a hash `http_orders` (struct http_order by connection id) and
 * an iterator program `http_harvest`, whose records are struct http_exchange in its long form, always.
 */
export const httpProbes = {
  http: {
    object: "http",
    optional: true,
    observes: "HTTP requests and responses, in the packets of TCP connections",
    strategies: [
      {
        name: "cgroup_skb",
        programs: {
          http_egress: { kind: "cgroup_skb", direction: "egress" },
          http_ingress: { kind: "cgroup_skb", direction: "ingress" },
          http_close: { kind: "tp_btf", event: "tcp_destroy_sock" },
          http_harvest: { kind: "iter", target: "bpf_map_elem", map: "http_conns" },
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
