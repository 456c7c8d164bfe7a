// SPDX-License-Identifier: MIT
// A process that learns all of a cluster, with Skep or with the informers of Kubernetes' own client, and tells what that took.
// Built JavaScript, so that no compiler is in the memory that is measured.
//   node --expose-gc kubernetes.mjs skep|client URL CA-FILE
import { setTimeout as wait } from "node:timers/promises";

const [, , role, url, caFile] = process.argv;
const dist = new URL("../../packages/plugin-kubernetes/dist/", import.meta.url);

globalThis.gc();
const before = process.memoryUsage();
const began = performance.now();
// Loading modules is not learning: it costs memory, which is measured, once, before anything runs.
const learn = await (role === "skep" ? withSkep() : withInformers());
const turns = watchTurns();
const { pods, lookups } = await learn();
const longestTurnMs = turns.stop();
const tookMs = performance.now() - began;
const { rss: highest } = process.memoryUsage();
for (let round = 0; round < 5; round++) {
  await wait(200);
  globalThis.gc();
}
const after = process.memoryUsage();
process.send({
  pods,
  highestMb: (highest - before.rss) / 1e6,
  rssMb: (after.rss - before.rss) / 1e6,
  heapMb: (after.heapUsed - before.heapUsed) / 1e6,
  tookMs,
  longestTurnMs,
  ...(lookups && { lookupsPerCpuSecond: lookups() }),
});
process.exit();

/** CPU time of this process. Not the wall's: other work on the machine is not what is measured. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The most CPU time that went by between two turns of the event loop. */
function watchTurns() {
  let longest = 0;
  let before = cpuMs();
  let next = setImmediate(function turn() {
    const now = cpuMs();
    longest = Math.max(longest, now - before);
    before = now;
    next = setImmediate(turn);
  });
  return {
    stop() {
      clearImmediate(next);
      return longest;
    },
  };
}

async function withSkep() {
  const { Cluster } = await import(new URL("cluster/cluster.js", dist));
  const { ClusterMetadata } = await import(new URL("cluster-metadata.js", dist));
  const { Reflector } = await import(new URL("api/reflector.js", dist));
  const { subscriptions } = await import(new URL("resources.js", dist));
  return async () => {
    const cluster = new Cluster([]);
    const server = { url, token: undefined, caFile, verify: true };
    const events = { trouble: (reason) => reason && console.error(reason), object() {} };
    const reflectors = subscriptions(cluster, [], () => performance.now()).map(
      ({ resource, sink }) => new Reflector(server, resource, sink, events),
    );
    for (const reflector of reflectors) void reflector.run(new AbortController().signal);
    await Promise.all(reflectors.map(({ attempted }) => attempted));
    const config = { workload_labels: [], workload_label_prefix: "" };
    const metadata = new ClusterMetadata(cluster, { of: () => undefined }, config);
    return { pods: cluster.pods.size, lookups: () => ask(metadata, cluster.pods.size) };
  };
}

/** Flows from pods to services, whose packets go to pods: as netflow asks, for three seconds. */
function ask(metadata, pods) {
  const ip = (pod) => `10.${100 + (pod >> 16)}.${(pod >> 8) & 255}.${pod & 255}`;
  const flows = Array.from({ length: 10_000 }, (_, at) => {
    const [from, to] = [(at * 7919) % pods, (at * 104_729) % pods];
    const service = Math.trunc(to / 10);
    const dstIp = `10.96.${service >> 8}.${service & 255}`;
    return { transport: "tcp", srcIp: ip(from), srcPort: 0, dstIp, dstPort: 80, nat: { ip: ip(to), port: 8080 } };
  });
  let asked = 0;
  const start = cpuMs();
  while (cpuMs() - start < 2_000) {
    for (const flow of flows) {
      const tags = metadata.tagsOf(flow);
      if (Object.values(tags).includes("N/A")) throw new Error(`unknown: ${JSON.stringify({ flow, tags })}`);
    }
    asked += flows.length;
  }
  return asked / ((cpuMs() - start) / 1000);
}

async function withInformers() {
  const { CoreV1Api, DiscoveryV1Api, KubeConfig, makeInformer } = await import("@kubernetes/client-node");
  return async () => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: "cluster", server: url, caFile, skipTLSVerify: false }, { name: "user" });
    const core = config.makeApiClient(CoreV1Api);
    const discovery = config.makeApiClient(DiscoveryV1Api);
    const slices = "/apis/discovery.k8s.io/v1/endpointslices";
    const informers = [
      makeInformer(config, "/api/v1/pods", () => core.listPodForAllNamespaces()),
      makeInformer(config, "/api/v1/services", () => core.listServiceForAllNamespaces()),
      makeInformer(config, slices, () => discovery.listEndpointSliceForAllNamespaces()),
    ];
    for (const informer of informers) informer.on("error", console.error);
    await Promise.all(informers.map((informer) => informer.start()));
    return { pods: informers[0].list().length };
  };
}
