// SPDX-License-Identifier: MIT

import type { ServiceObject } from "../api/objects.js";
import { canonicals, portName, type Transport, transportOf } from "./addresses.js";
import { createdAt, type NamedObject } from "./named-objects.js";

/**
 * What is kept of a service. It goes by its cluster IPs, by the ports of its external and load balancer's addresses (which may
 * be shared with other services, or be a node's own), and by {@link nodePortName}.
 */
export interface Service extends NamedObject {
  /** Its clients name the pods, and not the service, by their addresses. */
  readonly headless: boolean;
}

/** How a port that every node offers is called. */
export const nodePortName = (port: number, transport: Transport): string => `node port ${port}/${transport}`;

/** Undefined for a name of something outside the cluster. */
export function keepService({ metadata = {}, spec = {}, status = {} }: ServiceObject): Service | undefined {
  if (spec.type === "ExternalName") return undefined;
  const clusterIps = canonicals([spec.clusterIP, ...(spec.clusterIPs ?? [])]); // "None" is no address
  const ingress = status.loadBalancer?.ingress ?? [];
  const external = canonicals([...(spec.externalIPs ?? []), ...ingress.map(({ ip }) => ip)]);
  const names = new Set(clusterIps);
  for (const { port, nodePort, protocol } of spec.ports ?? []) {
    const transport = transportOf(protocol);
    if (transport === undefined) continue;
    if (port) for (const ip of external) names.add(portName(ip, port, transport));
    if (nodePort) names.add(nodePortName(nodePort, transport));
  }
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    created: createdAt(metadata),
    headless: clusterIps.length === 0,
    names: [...names],
  };
}
