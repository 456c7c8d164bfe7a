// SPDX-License-Identifier: MIT

import type { ProbeGroup } from "@skep/core";

/** What dnsflow hooks. */
export const dnsProbes = {
  dns: {
    object: "dns",
    optional: true,
    observes: "DNS messages to and from port 53, over UDP and TCP",
    strategies: [
      {
        name: "cgroup_skb",
        programs: {
          dns_egress: { kind: "cgroup_skb", direction: "egress" },
          dns_ingress: { kind: "cgroup_skb", direction: "ingress" },
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
