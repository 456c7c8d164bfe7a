// SPDX-License-Identifier: MIT
import test, { type ExecutionContext } from "ava";
import { createAgent, definePlugin, KubernetesMetadata, type KubernetesQuery, type PluginStatus } from "@skep/core";
import { fakeKernel, until } from "@skep/testkit";
import { join } from "node:path";
import { z } from "zod";
import { kubernetes } from "../../src/index.js";
import { ApiStandIn, caFile, strangerCaFile } from "../support/api-stand-in.js";
import { folder } from "../support/folder.js";
import { recordedObjects } from "../support/recorded.js";

const pods = "/api/v1/pods";
const paths = {
  pods,
  services: "/api/v1/services",
  endpointslices: "/apis/discovery.k8s.io/v1/endpointslices",
  deployments: "/apis/apps/v1/deployments",
  statefulsets: "/apis/apps/v1/statefulsets",
  daemonsets: "/apis/apps/v1/daemonsets",
  jobs: "/apis/batch/v1/jobs",
  cronjobs: "/apis/batch/v1/cronjobs",
};

interface World {
  metadata(): KubernetesMetadata | undefined;
  tagsOf(query: Partial<KubernetesQuery>): Readonly<Record<string, string>> | undefined;
  status(): PluginStatus;
  readonly startMs: number;
}

/** A real agent with the plugin, and another that uses its service. */
async function agentWith(t: ExecutionContext, config: object, procRoot = "/nonexistent/proc"): Promise<World> {
  let metadata: World["metadata"] = () => undefined;
  const user = definePlugin({
    name: "user",
    version: "1.0.0",
    description: "uses the service",
    config: z.strictObject({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    optionallyUses: [KubernetesMetadata],
    setup(context) {
      metadata = () => context.tryUse(KubernetesMetadata);
      return {};
    },
  });
  const agent = createAgent({
    backend: fakeKernel({ plugin: user }),
    plugins: [user, { plugin: kubernetes, config }],
    env: { HOST_PROC: procRoot },
  });
  t.teardown(() => agent.stop());
  const began = performance.now();
  await agent.start();
  return {
    metadata: () => metadata(),
    tagsOf: (query) =>
      metadata()?.tagsOf({
        transport: "tcp",
        srcIp: "192.0.2.1",
        srcPort: 0,
        dstIp: "192.0.2.2",
        dstPort: 443,
        ...query,
      }),
    status: () => agent.status().plugins.find(({ name }) => name === "kubernetes")!,
    startMs: performance.now() - began,
  };
}

/** The recorded shop behind TLS, with a token. */
async function shop(t: ExecutionContext): Promise<{ standIn: ApiStandIn; config: object }> {
  const standIn = await ApiStandIn.start(t, "https");
  for (const [name, path] of Object.entries(paths)) standIn.load(path, name);
  standIn.tokens.add("let-me-in");
  const bearer_token = join(folder(t, { token: "let-me-in\n" }), "token");
  return { standIn, config: { kubernetes_url: standIn.url, bearer_token, kubernetes_ca: caFile } };
}

test("both ends of a flow have all their tags as soon as the agent runs, N/A where there is nothing to say", async (t) => {
  const { config } = await shop(t);
  const { tagsOf, status } = await agentWith(t, config);
  t.deepEqual(
    tagsOf({ srcIp: "10.244.1.15", dstIp: "10.96.30.30", dstPort: 5432, nat: { ip: "10.244.2.11", port: 5432 } }),
    {
      sub_source: "K8s",
      src_k8s_namespace: "shop",
      src_k8s_pod_name: "web-844dfbcbc4-mgzqv",
      src_k8s_service_name: "shop-front",
      src_k8s_deployment_name: "web",
      dst_k8s_namespace: "shop",
      dst_k8s_pod_name: "db-1",
      dst_k8s_service_name: "db-read",
      dst_k8s_deployment_name: "N/A",
    },
  );
  t.like(status(), { state: "running", support: "full", reasons: [], counters: { emitted: 0, pending: 0 } });
  t.true(status().counters.observed > 20);
});

test("a side that is not of the cluster is N/A, and of none of them there are no tags", async (t) => {
  const { config } = await shop(t);
  const { tagsOf } = await agentWith(t, config);
  const tags = tagsOf({ dstIp: "::ffff:10.244.2.10", dstPort: 5432 });
  t.like(tags, { sub_source: "K8s", src_k8s_namespace: "N/A", src_k8s_pod_name: "N/A", src_k8s_service_name: "N/A" });
  t.like(tags, { src_k8s_deployment_name: "N/A", dst_k8s_namespace: "shop", dst_k8s_pod_name: "db-0" });
  t.is(tagsOf({}), undefined);
});

test("the process tells pods in their node's network apart, by uid, static pod and container", async (t) => {
  const { config } = await shop(t);
  const hostNetwork = recordedObjects("pods").find(({ metadata }) => metadata?.name === "node-exporter-2sxml")!;
  const container = (
    hostNetwork as { status: { containerStatuses: { containerID: string }[] } }
  ).status.containerStatuses[0]!.containerID.replace("containerd://", "");
  const cgroups = {
    1: `0::/kubepods.slice/kubepods-pod${hostNetwork.metadata!.uid!.replaceAll("-", "_")}.slice/cri-containerd-${container}.scope\n`,
    2: `4:memory:/kubepods/burstable/pod8ce9a29bb43e1b5a0b9ac6d4c9d4b0a1/${"d".repeat(64)}\n`,
    3: `0::/../cri-containerd-${container}.scope\n`,
    4: "0::/system.slice/kubelet.service\n",
  };
  const files = Object.entries(cgroups).flatMap(([pid, cgroup]) => [
    [`${pid}/cgroup`, cgroup],
    [`${pid}/stat`, `${pid} (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1000 0 0\n`],
    [`${pid}/status`, "Name:\tx\nUid:\t0\t0\t0\t0\n"],
  ]);
  const { tagsOf } = await agentWith(t, config, folder(t, Object.fromEntries(files)));
  const podOf = (pid: number) =>
    tagsOf({ srcIp: "192.168.77.11", dstIp: "10.96.20.20", dstPort: 80, pid })?.["src_k8s_pod_name"];
  t.is(podOf(1), "node-exporter-2sxml");
  t.is(podOf(2), "kube-proxy-node-a");
  t.is(podOf(3), "node-exporter-2sxml");
  t.is(podOf(4), "N/A");
  t.is(podOf(5), "N/A");
});

test("labels are tags of the local side, with the prefix, and only when they are wanted is anything asked about workloads", async (t) => {
  const { standIn, config } = await shop(t);
  const plain = await agentWith(t, config);
  t.deepEqual(
    [...new Set(standIn.requests.map(({ path }) => path))].sort(),
    [paths.pods, paths.services, paths.endpointslices].sort(),
  );
  const flow = { srcIp: "10.244.1.15", dstIp: "10.244.2.10", dstPort: 5432 };
  t.is(Object.keys(plain.tagsOf(flow)!).length, 9);
  const labelled = await agentWith(t, {
    ...config,
    workload_labels: ["project_id", "none"],
    workload_label_prefix: "k8s_label_",
  });
  t.is(labelled.tagsOf(flow)?.["k8s_label_project_id"], "42");
  t.is(Object.keys(labelled.tagsOf(flow)!).length, 10);
  t.is(Object.keys(labelled.tagsOf({ ...flow, srcIp: "192.0.2.1" })!).length, 9);
});

test("changes are in the tags as soon as the API server tells them", async (t) => {
  const { standIn, config } = await shop(t);
  const { tagsOf } = await agentWith(t, config);
  const name = () => tagsOf({ srcIp: "10.244.9.9" })?.["src_k8s_pod_name"];
  t.is(name(), undefined);
  const metadata = { namespace: "shop", name: "late", uid: "u", creationTimestamp: new Date().toISOString() };
  standIn.put(pods, { metadata, status: { phase: "Running", podIP: "10.244.9.9" } } as never);
  await until(() => name() === "late", { what: "the new pod" });
});

test("a port that the cluster serves is known", async (t) => {
  const { config } = await shop(t);
  const { metadata } = await agentWith(t, config);
  t.true(metadata()!.serves("10.244.1.15", 8080, "tcp"));
  t.true(metadata()!.serves("::ffff:10.244.1.15", 8080, "tcp"));
  t.false(metadata()!.serves("10.244.1.15", 40000, "tcp"));
});

test("an API server that does not answer delays the start by two seconds at most, and no question at all", async (t) => {
  const { standIn, config } = await shop(t);
  standIn.delayMs = 60_000;
  const { tagsOf, status, startMs } = await agentWith(t, config);
  t.true(startMs >= 1_900 && startMs < 10_000, `${startMs} ms`);
  const began = performance.now();
  t.is(tagsOf({ srcIp: "10.244.1.15" }), undefined);
  t.true(performance.now() - began < 100);
  t.is(status().state, "running"); // nothing is wrong yet
});

test("an API server that is down is a degradation with its reason, until it is up; what was known stays known", async (t) => {
  const { standIn, config } = await shop(t);
  const { tagsOf, status } = await agentWith(t, config);
  const known = () => tagsOf({ srcIp: "10.244.1.15" })?.["src_k8s_pod_name"];
  await standIn.stop();
  await until(() => status().state === "degraded", { what: "a degradation" });
  await until(() => /^Kubernetes tags may be missing or old: https:.*ECONNREFUSED/.test(status().reasons.join()), {
    what: "its reason",
  });
  t.is(status().support, "reduced");
  t.is(known(), "web-844dfbcbc4-mgzqv");
  await standIn.listen();
  await until(() => status().state === "running", { what: "recovery", deadlineMs: 20_000 });
  t.deepEqual(status().reasons, []);
  t.is(known(), "web-844dfbcbc4-mgzqv");
});

test("a certificate of somebody else's CA is a degradation that says what to do", async (t) => {
  const { config } = await shop(t);
  const { status, tagsOf } = await agentWith(t, { ...config, kubernetes_ca: strangerCaFile });
  t.regex(status().reasons[0]!, /endpointslices, pods, services: .*certificate.*see kubernetes_ca/);
  t.is(tagsOf({ srcIp: "10.244.1.15" }), undefined);
});

test("named without a cluster it is a clear error, and not tried again", async (t) => {
  t.is(process.env["KUBERNETES_SERVICE_HOST"], undefined, "these tests do not run in a pod");
  const { status } = await agentWith(t, {});
  t.like(status(), { state: "failed", error: { code: "SKEP_ERR_CONFIG" }, restartInMs: undefined });
  t.regex(status().error!.message, /no Kubernetes API/);
  t.regex(status().error!.hint!, /kubernetes_url/);
});
