// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import type { ApiObject } from "../../src/api/objects.js";
import { Cluster } from "../../src/cluster/cluster.js";
import { subscriptions } from "../../src/resources.js";
import { keyOf } from "../../src/api/resource.js";

/** What was recorded from a real API server (1.34), see recorded/README.md. */
export const recordedText = (name: string): string =>
  readFileSync(new URL(`../recorded/${name}`, import.meta.url), "utf8");

export const recordedObjects = (name: string): ApiObject[] =>
  (JSON.parse(recordedText(`${name}.json`)) as { items: ApiObject[] }).items;

/** A cluster that knows the recorded objects, with a clock that stands still at `now`. */
export function recordedCluster(wantedLabels: readonly string[] = []): { cluster: Cluster; clock: { now: number } } {
  const cluster = new Cluster(wantedLabels);
  const clock = { now: 0 };
  for (const { resource, sink } of subscriptions(cluster, wantedLabels, () => clock.now)) {
    for (const object of recordedObjects(resource.name)) sink.put(keyOf(object.metadata!), object);
  }
  return { cluster, clock };
}
