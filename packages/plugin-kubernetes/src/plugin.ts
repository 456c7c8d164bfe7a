// SPDX-License-Identifier: MIT

import { setTimeout as wait } from "node:timers/promises";
import {
  definePlugin,
  KubernetesMetadata,
  type PluginContext,
  type PluginInstance,
  ProcessTable,
  SkepError,
} from "@skep/core";
import { type ApiServer, findApiServer } from "./api/api-server.js";
import { Reflector } from "./api/reflector.js";
import { Cluster } from "./cluster/cluster.js";
import { ClusterMetadata } from "./cluster-metadata.js";
import { kubernetesConfig, type KubernetesConfig } from "./config.js";
import { Health } from "./health.js";
import { ProcessPods } from "./process-pods.js";
import { subscriptions } from "./resources.js";

/** The first points should have tags, but an API server that does not answer holds nobody up longer than this. */
const FIRST_LIST_MS = 2_000;
/** What is gone stays known for two intervals, because its last flows are reported after it went, and at least this long. */
const GRACE_MS = 180_000;

/** `kubernetes`: whose the addresses and processes of flows are, as a cluster's API server says. Emits no points. */
export const kubernetes = definePlugin<KubernetesConfig>({
  name: "kubernetes",
  version: "0.1.0",
  description: "names the pods, services and deployments at both ends of flows",
  config: kubernetesConfig,
  measurements: [],
  capabilities: [],
  objects: {},
  probes: {},
  streams: {},
  uses: [ProcessTable],
  provides: [KubernetesMetadata],

  setup(context) {
    const server = findApiServer(context.config, process.env);
    if (server !== undefined) return observe(context, server);
    throw new SkepError(
      "SKEP_ERR_CONFIG",
      "there is no Kubernetes API: none is configured, and this is no pod of a cluster",
      {
        hint: "set kubernetes_url, or leave kubernetes out of enabled_plugins: inside a cluster it comes by itself",
      },
    );
  },
});

function observe(context: PluginContext<KubernetesConfig>, server: ApiServer): PluginInstance {
  const { config, signal, log } = context;
  const now = () => performance.now();
  const cluster = new Cluster(config.workload_labels);
  const health = new Health(`Kubernetes tags may be missing or old: ${server.url}`, (reason) => {
    log.warn({ event: "kubernetes", reason }, reason);
    return context.degrade(reason);
  });
  if (server.token !== undefined && server.url.startsWith("http:")) {
    log.warn({ event: "kubernetes", server: server.url }, `the token is sent to ${server.url} unencrypted: use https`);
  }
  const reflectors = subscriptions(cluster, config.workload_labels, now).map(
    ({ resource, sink }) =>
      new Reflector(server, resource, sink, {
        trouble: (reason) => health.set(resource.name, reason),
        object(understood) {
          context.count("observed");
          if (understood) context.count("aggregated");
          else context.drop("not_understood");
        },
      }),
  );
  const processes = new ProcessPods(context.use(ProcessTable), context.host.procRoot);
  context.provide(KubernetesMetadata, new ClusterMetadata(cluster, processes, config));

  const flushes = [now(), now()];
  let running: Promise<unknown> = Promise.resolve();
  return {
    async start() {
      running = Promise.all(reflectors.map((reflector) => reflector.run(signal)));
      const attempted = Promise.all(reflectors.map((reflector) => reflector.attempted));
      const patience = new AbortController();
      await Promise.race([attempted, wait(FIRST_LIST_MS, undefined, { signal: patience.signal }).catch(() => {})]);
      patience.abort();
      log.debug({ event: "kubernetes", server: server.url, pods: cluster.pods.size, services: cluster.services.size });
    },
    flush() {
      cluster.forget(Math.min(flushes.shift()!, now() - GRACE_MS));
      flushes.push(now());
    },
    async close() {
      await running; // the signal has ended it
    },
  };
}
