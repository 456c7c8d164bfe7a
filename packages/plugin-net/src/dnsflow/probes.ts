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
          dns_bind4: { kind: "cgroup_sock", hook: "post_bind4" },
          dns_bind6: { kind: "cgroup_sock", hook: "post_bind6" },
        },
      },
    ],
  },
} as const satisfies Record<string, ProbeGroup>;
