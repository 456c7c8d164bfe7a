// SPDX-License-Identifier: MIT

import type { ContainerStatus, PodObject } from "../api/objects.js";
import { canonicals, portName, transportOf } from "./addresses.js";
import { createdAt, type NamedObject } from "./named-objects.js";
import { type Labels, pickLabels, type WorkloadRef, workloadOf } from "./workload.js";

/**
 * What is kept of a pod. It goes by its uid, its containers' ids, its own addresses (a pod in its node's network has none),
 * the ports it serves, and, like every pod of the node, by {@link nodeName}.
 */
export interface Pod extends NamedObject {
  readonly workload: WorkloadRef | undefined;
  readonly labels: Labels | undefined;
}

/** How an address of a node is called: not like a pod's own. */
export const nodeName = (ip: string): string => `node ${ip}`;

/** kubelet names the cgroup of a pod from a file after this, because the API server's uid comes later. */
const STATIC_POD_UID = "kubernetes.io/config.hash";

/** Undefined when the pod has ended: its address may be another's by now. */
export function keepPod(object: PodObject, wantedLabels: readonly string[]): Pod | undefined {
  const { metadata = {}, spec = {}, status = {} } = object;
  if (status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const hostIps = canonicals([status.hostIP, ...(status.hostIPs ?? []).map(({ ip }) => ip)]);
  const podIps = canonicals([status.podIP, ...(status.podIPs ?? []).map(({ ip }) => ip)]);
  const ips = spec.hostNetwork ? [] : podIps;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    created: createdAt(metadata),
    workload: workloadOf(metadata),
    labels: pickLabels(metadata, wantedLabels),
    names: idsOf(object).concat(ips, portsOf(spec, podIps, hostIps), hostIps.map(nodeName)),
  };
}

function idsOf({ metadata, status = {} }: PodObject): string[] {
  const containers = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const ids = [metadata?.uid, metadata?.annotations?.[STATIC_POD_UID], ...containers.map(containerId)];
  return ids.filter((id): id is string => !!id);
}

/** `containerd://ID` and the like; empty before the container is created. */
const containerId = ({ containerID }: ContainerStatus): string | undefined => containerID?.replace(/^[^:]+:\/\//, "");

/** Ports it serves at its own addresses, and those of its node that lead to it (in the node's network: the same). */
function portsOf({ containers = [] }: NonNullable<PodObject["spec"]>, ips: string[], hostIps: string[]): string[] {
  const names = new Set<string>();
  for (const { containerPort, hostPort, hostIP, protocol } of containers.flatMap(({ ports = [] }) => ports)) {
    const transport = transportOf(protocol);
    if (transport === undefined) continue;
    if (containerPort) for (const ip of ips) names.add(portName(ip, containerPort, transport));
    const bound = canonicals([hostIP]).filter((ip) => hostIps.includes(ip));
    if (hostPort) for (const ip of bound.length > 0 ? bound : hostIps) names.add(portName(ip, hostPort, transport));
  }
  return [...names];
}
