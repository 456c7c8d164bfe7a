// SPDX-License-Identifier: MIT

import type { EndpointSliceObject } from "../api/objects.js";
import { keyOf } from "../api/resource.js";
import { canonicals, portName, transportOf } from "./addresses.js";
import { Claims } from "./claims.js";

const SERVICE = "kubernetes.io/service-name";
const HEADLESS = "service.kubernetes.io/headless";

/** A service's end at one port of one address. */
export interface Endpoint {
  readonly service: ServiceRef;
  /** Key of the pod; undefined when it is none, such as a database outside the cluster. */
  readonly pod: string | undefined;
}

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
  /** Has no address of its own. */
  readonly headless: boolean;
}

interface Slice {
  readonly service: ServiceRef;
  /** By port, see `portName`. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

/** How a pod is called, whatever port. */
const podName = (pod: string): string => `pod ${pod}`;

/**
 * Which of several services is named for a pod that serves them all: one with an address before the headless one that often
 * stands beside it, then the first of the alphabet, so that it is always the same.
 */
const order = (one: Endpoint, other: Endpoint): number =>
  Number(one.service.headless) - Number(other.service.headless) || (one.service.name < other.service.name ? -1 : 1);

/** Where services really lead. */
export class Endpoints {
  readonly #slices = new Map<string, Slice>();
  readonly #slicesOfService = new Map<string, Set<string>>();
  readonly #claims = new Claims<Endpoint>(order);

  /** The endpoint at a port, see `portName`. */
  at(port: string): Endpoint | undefined {
    return this.#claims.get(port);
  }

  /** An endpoint of a pod. */
  ofPod(key: string): Endpoint | undefined {
    return this.#claims.get(podName(key));
  }

  *ofService(key: string): Generator<Endpoint> {
    for (const slice of this.#slicesOfService.get(key) ?? []) yield* this.#slices.get(slice)!.endpoints.values();
  }

  keys(): Iterable<string> {
    return this.#slices.keys();
  }

  /** A slice changes whenever one of its hundred endpoints does: those that stay are left alone. `now` as for {@link forget}. */
  put(key: string, object: EndpointSliceObject, now: number): void {
    const service = serviceOf(object);
    if (service?.name !== this.#slices.get(key)?.service.name) this.remove(key, now);
    if (service === undefined) return;
    const before = this.#slices.get(key)?.endpoints;
    const endpoints = new Map<string, Endpoint>();
    for (const [port, pod] of podsByPort(object)) {
      const known = before?.get(port);
      endpoints.set(port, known?.pod === pod && known !== undefined ? known : { service, pod });
    }
    for (const [port, endpoint] of before ?? [])
      if (endpoints.get(port) !== endpoint) this.#retire(port, endpoint, now);
    for (const [port, endpoint] of endpoints) if (before?.get(port) !== endpoint) this.#add(port, endpoint);
    this.#slices.set(key, { service, endpoints });
    const slices = this.#slicesOfService.get(keyOf(service));
    if (slices === undefined) this.#slicesOfService.set(keyOf(service), new Set([key]));
    else slices.add(key);
  }

  remove(key: string, now: number): void {
    const slice = this.#slices.get(key);
    if (slice === undefined) return;
    this.#slices.delete(key);
    for (const [port, endpoint] of slice.endpoints) this.#retire(port, endpoint, now);
    const service = keyOf(slice.service);
    const slices = this.#slicesOfService.get(service);
    slices?.delete(key);
    if (slices?.size === 0) this.#slicesOfService.delete(service);
  }

  /** Forgets what was gone by `then`. */
  forget(then: number): void {
    this.#claims.forget(then);
  }

  #add(port: string, endpoint: Endpoint): void {
    for (const name of namesOf(port, endpoint)) this.#claims.add(name, endpoint);
  }

  #retire(port: string, endpoint: Endpoint, now: number): void {
    this.#claims.retire(namesOf(port, endpoint), endpoint, now);
  }
}

const namesOf = (port: string, { pod }: Endpoint): string[] => (pod === undefined ? [port] : [port, podName(pod)]);

function serviceOf({ metadata: { namespace = "", labels = {} } = {} }: EndpointSliceObject): ServiceRef | undefined {
  const name = labels[SERVICE];
  return name ? { namespace, name, headless: HEADLESS in labels } : undefined;
}

function* podsByPort({ metadata, endpoints, ports }: EndpointSliceObject): Generator<[string, string | undefined]> {
  for (const { addresses = [], targetRef } of endpoints ?? []) {
    const isPod = targetRef?.kind === "Pod";
    const pod = isPod ? keyOf({ namespace: metadata?.namespace ?? "", ...targetRef }) : undefined;
    for (const ip of canonicals(addresses)) {
      for (const { port, protocol } of ports ?? []) {
        const transport = transportOf(protocol);
        if (port && transport) yield [portName(ip, port, transport), pod];
      }
    }
  }
}
