// SPDX-License-Identifier: MIT

import { service } from "../service.js";
import type { NatTarget } from "./nat-table.js";

/** Both ends of a flow; `src` is the local side. */
export interface KubernetesQuery {
  readonly transport: "tcp" | "udp";
  readonly srcIp: string;
  readonly srcPort: number;
  readonly dstIp: string;
  readonly dstPort: number;
  /** Local process, to tell host-network pods apart. */
  readonly pid?: number;
  /** Where the destination is after NAT: names the pod behind a service. */
  readonly nat?: NatTarget;
}

/** What the cluster knows about addresses. */
export interface KubernetesMetadata {
  /**
   * Tags for a flow: `sub_source` = `K8s` and `{src,dst}_k8s_{namespace,pod_name,service_name,deployment_name}`, `N/A` for the side
   * (or name) that is not known. Undefined when neither side belongs to the cluster: then no tag is added.
   */
  tagsOf(flow: KubernetesQuery): Readonly<Record<string, string>> | undefined;
  /** True when `ip:port` is a port that a pod or a service of the cluster serves: the local side is then the server. */
  serves(ip: string, port: number, transport: "tcp" | "udp"): boolean;
}

export const KubernetesMetadata = service<KubernetesMetadata>("skep.kubernetes-metadata", 1);
