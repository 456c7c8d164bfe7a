// SPDX-License-Identifier: MIT

import type { ApiObject, EndpointSliceObject, PodObject, ServiceObject } from "./api/objects.js";
import type { Resource, Sink } from "./api/resource.js";
import type { Cluster } from "./cluster/cluster.js";
import { keepPod } from "./cluster/pod.js";
import { keepService } from "./cluster/service.js";

/** A resource and where its objects go. */
export interface Subscription {
  readonly resource: Resource;
  readonly sink: Sink;
}

/** Whose labels can be wanted, by kind. */
const workloads = {
  Deployment: "/apis/apps/v1/deployments",
  StatefulSet: "/apis/apps/v1/statefulsets",
  DaemonSet: "/apis/apps/v1/daemonsets",
  Job: "/apis/batch/v1/jobs",
  CronJob: "/apis/batch/v1/cronjobs",
} as const;

/**
 * All that is asked of the API server, and nothing else: deploy/ allows exactly this.
 * @param now milliseconds, as for `Cluster.forget`
 */
export function subscriptions(cluster: Cluster, wantedLabels: readonly string[], now: () => number): Subscription[] {
  const { pods, services, endpoints } = cluster;
  return [
    subscribe<PodObject>(cluster, "/api/v1/pods", {
      put: (key, object) => pods.put(key, keepPod(object, wantedLabels), now()),
      remove: (key) => pods.remove(key, now()),
      keys: () => pods.keys(),
    }),
    subscribe<ServiceObject>(cluster, "/api/v1/services", {
      put: (key, object) => services.put(key, keepService(object), now()),
      remove: (key) => services.remove(key, now()),
      keys: () => services.keys(),
    }),
    subscribe<EndpointSliceObject>(cluster, "/apis/discovery.k8s.io/v1/endpointslices", {
      put: (key, object) => endpoints.put(key, object, now()),
      remove: (key) => endpoints.remove(key, now()),
      keys: () => endpoints.keys(),
    }),
    ...(wantedLabels.length === 0 ? [] : workloadSubscriptions(cluster)),
  ];
}

const workloadSubscriptions = (cluster: Cluster): Subscription[] =>
  Object.entries(workloads).map(([kind, path]) =>
    subscribe<ApiObject>(
      cluster,
      path,
      {
        put: (key, object) => cluster.workloads.put(kind, key, object),
        remove: (key) => cluster.workloads.remove(kind, key),
        keys: () => cluster.workloads.keys(kind),
      },
      true,
    ),
  );

function subscribe<T extends ApiObject>(
  cluster: Cluster,
  path: string,
  { put, remove, keys }: Sink<T>,
  metadataOnly = false,
): Subscription {
  const sink: Sink = {
    put(key, object) {
      put(key, object as T);
      cluster.changed();
    },
    remove(key) {
      remove(key);
      cluster.changed();
    },
    keys,
  };
  return { resource: { name: path.slice(path.lastIndexOf("/") + 1), path, metadataOnly }, sink };
}
