// SPDX-License-Identifier: MIT

import type { KubernetesMetadata, KubernetesQuery } from "@skep/core";
import { type Transport, unmapped } from "./cluster/addresses.js";
import type { Cluster, End } from "./cluster/cluster.js";
import type { Pod } from "./cluster/pod.js";
import type { KubernetesConfig } from "./config.js";
import type { ProcessPods } from "./process-pods.js";

/** For a side, or a name of a side, that is not known. */
const NOT_AVAILABLE = "N/A";

/** The service: turns what is known of the cluster into tags. Never waits. */
export class ClusterMetadata implements KubernetesMetadata {
  readonly #wantsLabels: boolean;

  constructor(
    private readonly cluster: Cluster,
    private readonly processes: ProcessPods,
    private readonly config: Pick<KubernetesConfig, "workload_labels" | "workload_label_prefix">,
  ) {
    this.#wantsLabels = config.workload_labels.length > 0;
  }

  tagsOf({ transport, srcIp, srcPort, dstIp, dstPort, pid, nat }: KubernetesQuery): Record<string, string> | undefined {
    const local = pid === undefined ? undefined : this.#podOf(pid);
    const src = this.cluster.endAt({ ip: unmapped(srcIp), port: srcPort }, transport, { ...(local && { local }) });
    const real = nat && { ip: unmapped(nat.ip), port: nat.port };
    const dst = this.cluster.endAt({ ip: unmapped(dstIp), port: dstPort }, transport, { ...(real && { real }) });
    if (src === undefined && dst === undefined) return undefined;
    return {
      // First, so that no label takes the place of what follows.
      ...(this.#wantsLabels && this.#labelsOf(src)),
      sub_source: "K8s",
      src_k8s_namespace: src?.namespace ?? NOT_AVAILABLE,
      src_k8s_pod_name: src?.pod ?? NOT_AVAILABLE,
      src_k8s_service_name: src?.service ?? NOT_AVAILABLE,
      src_k8s_deployment_name: src?.deployment ?? NOT_AVAILABLE,
      dst_k8s_namespace: dst?.namespace ?? NOT_AVAILABLE,
      dst_k8s_pod_name: dst?.pod ?? NOT_AVAILABLE,
      dst_k8s_service_name: dst?.service ?? NOT_AVAILABLE,
      dst_k8s_deployment_name: dst?.deployment ?? NOT_AVAILABLE,
    };
  }

  serves(ip: string, port: number, transport: Transport): boolean {
    return this.cluster.serves({ ip: unmapped(ip), port }, transport);
  }

  /** The container's id helps where a cgroup namespace hides the pod's part of the path. */
  #podOf(pid: number): Pod | undefined {
    const ids = this.processes.of(pid);
    const { pods } = this.cluster;
    return (ids?.pod && pods.find(ids.pod)) || (ids?.container && pods.find(ids.container)) || undefined;
  }

  #labelsOf(end: End | undefined): Record<string, string> {
    const labels = end?.object === undefined ? {} : this.cluster.labelsOf(end.object);
    const prefix = this.config.workload_label_prefix;
    return Object.fromEntries(Object.entries(labels).map(([label, value]) => [prefix + label, value]));
  }
}
