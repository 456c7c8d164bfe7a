// SPDX-License-Identifier: MIT

import { keyOf } from "../api/resource.js";
import { portName, type Transport } from "./addresses.js";
import { type Endpoint, Endpoints } from "./endpoints.js";
import { NamedObjects } from "./named-objects.js";
import { nodeName, type Pod } from "./pod.js";
import { nodePortName, type Service } from "./service.js";
import { type Labels, Workloads } from "./workload.js";

/** One end of a flow. Port 0: any. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** What the cluster knows about one end of a flow. At least one of `pod` and `service` is there. */
export interface End {
  readonly namespace: string;
  readonly pod: string | undefined;
  readonly service: string | undefined;
  readonly deployment: string | undefined;
  /** The pod, for more about it. */
  readonly object: Pod | undefined;
}

/** What is kept of a cluster. Every question is answered from memory. */
export class Cluster {
  readonly pods = new NamedObjects<Pod>();
  readonly services = new NamedObjects<Service>();
  readonly endpoints = new Endpoints();
  readonly workloads: Workloads;
  /** Deployments behind services, as far as they were asked for since the last change. */
  readonly #deployments = new Map<string, string | undefined>();

  constructor(wantedLabels: readonly string[]) {
    this.workloads = new Workloads(wantedLabels);
  }

  /** To be called after every change. */
  changed(): void {
    this.#deployments.clear();
  }

  /** Forgets what was gone by `then`. */
  forget(then: number): void {
    this.pods.forget(then);
    this.services.forget(then);
    this.endpoints.forget(then);
  }

  /**
   * Who is at an address.
   * @param real where destination NAT leads from there: the pod is there, while the service is the one that was asked for
   * @param local the pod of the process, when it is known: in its node's network an address says little
   */
  endAt(asked: Address, transport: Transport, { real = asked, local }: { real?: Address; local?: Pod } = {}) {
    const endpoint = this.#endpointAt(real, transport);
    const pod = local ?? this.#podAt(real, transport, endpoint);
    const service =
      this.#serviceAt(asked, transport) ?? endpoint?.service ?? (pod && this.endpoints.ofPod(keyOf(pod))?.service);
    return this.#end(pod, service);
  }

  /** Does a pod or a service of the cluster serve this port? */
  serves(at: Address, transport: Transport): boolean {
    const port = portName(at.ip, at.port, transport);
    return (
      this.pods.find(port) !== undefined ||
      this.endpoints.at(port) !== undefined ||
      this.#serviceAt(at, transport) !== undefined
    );
  }

  /** The labels of a pod and of its workload; those of the workload win. */
  labelsOf({ namespace, labels, workload }: Pod): Labels {
    return { ...labels, ...(workload && this.workloads.labelsOf(namespace, workload)) };
  }

  #endpointAt({ ip, port }: Address, transport: Transport): Endpoint | undefined {
    return port === 0 ? undefined : this.endpoints.at(portName(ip, port, transport));
  }

  #podAt({ ip, port }: Address, transport: Transport, endpoint: Endpoint | undefined): Pod | undefined {
    return (
      this.pods.find(ip) ??
      (endpoint?.pod === undefined ? undefined : this.pods.get(endpoint.pod)) ??
      (port === 0 ? undefined : this.pods.find(portName(ip, port, transport)))
    );
  }

  #serviceAt({ ip, port }: Address, transport: Transport): Service | undefined {
    const service = this.services.find(ip);
    if (service !== undefined || port === 0) return service;
    const isNode = this.pods.find(nodeName(ip)) !== undefined;
    return (
      this.services.find(portName(ip, port, transport)) ??
      (isNode ? this.services.find(nodePortName(port, transport)) : undefined)
    );
  }

  #end(pod: Pod | undefined, service: { readonly namespace: string; readonly name: string } | undefined) {
    const namespace = pod?.namespace ?? service?.namespace;
    if (namespace === undefined) return undefined;
    const end: End = {
      namespace,
      pod: pod?.name,
      service: service?.name,
      deployment: pod ? deploymentOf(pod) : this.#deploymentBehind(keyOf(service!)),
      object: pod,
    };
    return end;
  }

  /** The one deployment all pods of a service belong to. */
  #deploymentBehind(service: string): string | undefined {
    if (!this.#deployments.has(service)) {
      const found = new Set<string | undefined>();
      for (const { pod: key } of this.endpoints.ofService(service)) {
        const pod = key === undefined ? undefined : this.pods.get(key);
        found.add(pod && deploymentOf(pod));
        if (found.size > 1) break;
      }
      this.#deployments.set(service, found.size === 1 ? [...found][0] : undefined);
    }
    return this.#deployments.get(service);
  }
}

const deploymentOf = ({ workload }: Pod): string | undefined =>
  workload?.kind === "Deployment" ? workload.name : undefined;
