// SPDX-License-Identifier: MIT

import type { ApiObject, ObjectMeta } from "../api/objects.js";
import { keyOf } from "../api/resource.js";

export type Labels = Readonly<Record<string, string>>;

/** Who runs a pod: `Deployment`, `StatefulSet`, `DaemonSet`, `Job`... in the pod's own namespace. */
export interface WorkloadRef {
  readonly kind: string;
  readonly name: string;
}

/** The Deployment controller puts this hash on its ReplicaSets' pods, and at the end of the ReplicaSets' names. */
const TEMPLATE_HASH = "pod-template-hash";

/**
 * The controller of an object. A Deployment's pods belong to a ReplicaSet, whose name gives away the Deployment's: so ReplicaSets,
 * of which a cluster keeps ten for each Deployment, need not be known.
 */
export function workloadOf({ ownerReferences, labels }: ObjectMeta): WorkloadRef | undefined {
  const { kind, name } = ownerReferences?.find(({ controller }) => controller) ?? {};
  if (!kind || !name) return undefined;
  const suffix = `-${labels?.[TEMPLATE_HASH]}`;
  if (kind !== "ReplicaSet" || !name.endsWith(suffix)) return { kind, name };
  return { kind: "Deployment", name: name.slice(0, -suffix.length) };
}

/** The wanted ones among an object's labels; undefined when it has none of them. */
export function pickLabels({ labels }: ObjectMeta, wanted: readonly string[]): Labels | undefined {
  const picked = wanted.flatMap((name) => {
    const value = labels?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return picked.length === 0 ? undefined : Object.fromEntries(picked);
}

/** The labels of workloads, where they are wanted. */
export class Workloads {
  readonly #byKind = new Map<string, Map<string, { labels: Labels | undefined; owner: WorkloadRef | undefined }>>();

  constructor(private readonly wantedLabels: readonly string[]) {}

  put(kind: string, key: string, { metadata = {} }: ApiObject): void {
    this.#of(kind).set(key, { labels: pickLabels(metadata, this.wantedLabels), owner: workloadOf(metadata) });
  }

  remove(kind: string, key: string): void {
    this.#of(kind).delete(key);
  }

  keys(kind: string): Iterable<string> {
    return this.#of(kind).keys();
  }

  /** A workload's labels; those of who owns it (a Job's CronJob) win. */
  labelsOf(namespace: string, { kind, name }: WorkloadRef): Labels | undefined {
    const workload = this.#byKind.get(kind)?.get(keyOf({ namespace, name }));
    const owner = workload?.owner && this.labelsOf(namespace, workload.owner);
    return owner === undefined ? workload?.labels : { ...workload?.labels, ...owner };
  }

  #of(kind: string) {
    let workloads = this.#byKind.get(kind);
    if (workloads === undefined) this.#byKind.set(kind, (workloads = new Map()));
    return workloads;
  }
}
