// SPDX-License-Identifier: MIT
// netflow's points of flows between addresses and processes that a (recorded) cluster says are pods'. Runs on every kernel.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent, type Point } from "@skep/core";
import { net } from "@skep/plugin-net";
import { liveTests, netnsPair, scopedCgroup, startTraffic, type Teardown } from "@skep/testkit";
import test from "ava";
import { kubernetes } from "../../src/index.js";
import { ApiStandIn, caFile } from "../support/api-stand-in.js";
import { recordedObjects } from "../support/recorded.js";

const needs = ["root", "cgroup2", "tp_btf", "netns"] as const;
const live = await liveTests(test, [...needs]);
const backend = libbpfBackend();
test.after.always(() => backend.close());

const web = "10.244.1.15";
const node = "192.168.77.11";
const db = "10.244.2.10";

/** One end of the cable is a node with a pod, the other is another pod. */
function cluster(t: Teardown) {
  const [client, server] = netnsPair(t);
  const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
  for (const address of [web, node]) {
    ip("-n", client.name, "addr", "add", `${address}/32`, "dev", "cable");
    ip("-n", server.name, "route", "add", address, "dev", "cable");
  }
  ip("-n", server.name, "addr", "add", `${db}/32`, "dev", "cable");
  const connectFrom = (source: string) => ip("-n", client.name, "route", "replace", db, "dev", "cable", "src", source);
  return { client, server, connectFrom };
}

/** A cgroup named as kubelet and containerd name a pod's, below the test's own. */
function podCgroup(t: Teardown, below: string, pod: string): { path: string } {
  const { uid } = recordedObjects("pods").find(({ metadata }) => metadata?.name === pod)!.metadata!;
  const slice = join(below, `kubepods-besteffort-pod${uid!.replaceAll("-", "_")}.slice`);
  const path = join(slice, `cri-containerd-${"c".repeat(64)}.scope`);
  mkdirSync(path, { recursive: true });
  t.teardown(() => {
    rmdirSync(path);
    rmdirSync(dirname(path));
  });
  return { path };
}

live([...needs], "flows between pods have the tags of both, one in its node's network by its process", async (t) => {
  const standIn = await ApiStandIn.start(t, "https");
  standIn.load("/api/v1/pods", "pods");
  standIn.load("/api/v1/services", "services");
  standIn.load("/apis/discovery.k8s.io/v1/endpointslices", "endpointslices");
  const scope = scopedCgroup(t, "kubernetes");
  const agent = createAgent({
    backend,
    plugins: [
      { plugin: net, config: { l7net_enabled: [] }, required: true },
      { plugin: kubernetes, config: { kubernetes_url: standIn.url, kubernetes_ca: caFile }, required: true },
    ],
    scope: { cgroups: [scope.path] },
    interval: 3_600_000,
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
  });
  t.teardown(() => agent.stop());
  const points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  await agent.start();

  const { client, server, connectFrom } = cluster(t);
  const exporter = podCgroup(t, scope.path, "node-exporter-2sxml");
  for (const [source, cgroup] of [
    [web, scope],
    [node, exporter],
  ] as const) {
    connectFrom(source);
    const serving = startTraffic(t, ["hold", "1", "--role", "server", "--address", db], {
      cgroup: scope,
      netns: server,
    });
    const port = String((await serving.listening).ports[0]);
    const asking = startTraffic(t, ["hold", "1", "--role", "client", "--address", db, "--port", port], {
      cgroup,
      netns: client,
    });
    await asking.holding;
    // While they live: who has ended has no cgroup any more.
    await agent.flush();
    asking.go();
    await asking.done;
    serving.go();
    await serving.done;
  }

  const tags = (direction: string, ip: string) => {
    const side = direction === "outgoing" ? "src_ip" : "dst_ip";
    return points.find((point) => point.tags["direction"] === direction && point.tags[side] === ip)?.tags;
  };
  const ofDb = (side: string) => ({
    [`${side}_k8s_namespace`]: "shop",
    [`${side}_k8s_pod_name`]: "db-0",
    [`${side}_k8s_service_name`]: "db-read",
    [`${side}_k8s_deployment_name`]: "N/A",
  });
  const ofWeb = (side: string) => ({
    [`${side}_k8s_pod_name`]: "web-844dfbcbc4-mgzqv",
    [`${side}_k8s_deployment_name`]: "web",
  });
  t.like(tags("outgoing", web), { sub_source: "K8s", ...ofWeb("src"), ...ofDb("dst") });
  t.like(tags("incoming", web), { sub_source: "K8s", ...ofDb("src"), ...ofWeb("dst") });
  t.like(tags("outgoing", node), {
    src_k8s_namespace: "monitoring",
    src_k8s_pod_name: "node-exporter-2sxml",
    ...ofDb("dst"),
  });
  // The peer is a node's address at a port nobody serves: it could be anybody there.
  t.like(tags("incoming", node), { ...ofDb("src"), dst_k8s_pod_name: "N/A" });
});
