// SPDX-License-Identifier: MIT
import test from "ava";
import type { EndpointSliceObject, PodObject, ServiceObject } from "../../src/api/objects.js";
import { keyOf } from "../../src/api/resource.js";
import type { Address } from "../../src/cluster/cluster.js";
import { keepPod, type Pod } from "../../src/cluster/pod.js";
import { keepService } from "../../src/cluster/service.js";
import { recordedCluster, recordedObjects, recordedText } from "../support/recorded.js";

const web = { ip: "10.244.1.15", port: 8080 };
const nodeA = "192.168.77.11";
const nodeB = "192.168.77.12";

interface Expected {
  namespace: string;
  pod?: string;
  service?: string;
  deployment?: string;
}

function endAt(asked: Address, options: { real?: Address; transport?: "tcp" | "udp" } = {}): Expected | undefined {
  const { cluster } = recordedCluster();
  const { transport = "tcp", ...rest } = options;
  const end = cluster.endAt(asked, transport, rest);
  return (
    end && ({ namespace: end.namespace, pod: end.pod, service: end.service, deployment: end.deployment } as Expected)
  );
}

const shop = (expected: Omit<Expected, "namespace">): Expected =>
  ({ namespace: "shop", pod: undefined, service: undefined, deployment: undefined, ...expected }) as Expected;
const monitoring = (expected: Omit<Expected, "namespace">): Expected => ({
  ...shop(expected),
  namespace: "monitoring",
});

test("a pod is found by its address, with its deployment, whatever the port", (t) => {
  const expected = shop({ pod: "web-844dfbcbc4-mgzqv", service: "shop-front", deployment: "web" });
  t.deepEqual(endAt({ ip: web.ip, port: 0 }), expected);
  t.deepEqual(endAt({ ip: web.ip, port: 55555 }), expected);
});

test("a pod of two families is found by its IPv6 address", (t) => {
  t.is(endAt({ ip: "fd00:10:244::1:15", port: 0 })?.pod, "web-844dfbcbc4-mgzqv");
});

test("the port tells which of a pod's services is meant", (t) => {
  t.is(endAt({ ip: web.ip, port: 9113 })?.service, "web-metrics");
  t.is(endAt({ ip: web.ip, port: 8080 })?.service, "shop-front");
});

test("of the services of a pod one with an address is named before a headless one", (t) => {
  t.is(endAt({ ip: "10.244.2.10", port: 5432 })?.service, "db-read");
  t.is(endAt({ ip: "10.244.2.10", port: 0 })?.service, "db-read");
});

test("a pod of no deployment has none", (t) => {
  t.deepEqual(endAt({ ip: "10.244.2.10", port: 5432 }), shop({ pod: "db-0", service: "db-read" }));
});

test("a service is found by its cluster IP, at any port, with the deployment behind it", (t) => {
  t.deepEqual(endAt({ ip: "10.96.20.20", port: 80 }), shop({ service: "web", deployment: "web" }));
  t.deepEqual(endAt({ ip: "10.96.20.20", port: 1 }), shop({ service: "web", deployment: "web" }));
  t.deepEqual(endAt({ ip: "10.96.30.30", port: 5432 }), shop({ service: "db-read" }));
  t.deepEqual(
    endAt({ ip: "10.96.0.10", port: 53 }, { transport: "udp" }),
    monitoring({ service: "dns", deployment: "dns" }),
  );
});

test("where NAT leads is the pod, and the service stays the one that was asked for", (t) => {
  const real = { ip: "10.244.1.16", port: 8080 };
  const expected = shop({ pod: "web-844dfbcbc4-rz6kd", service: "web", deployment: "web" });
  t.deepEqual(endAt({ ip: "10.96.20.20", port: 80 }, { real }), expected);
  t.deepEqual(endAt({ ip: nodeB, port: 30080 }, { real }), expected);
  t.deepEqual(endAt({ ip: "8.8.8.8", port: 80 }, { real }), { ...expected, service: "shop-front" });
  t.deepEqual(
    endAt({ ip: "10.96.40.40", port: 443 }, { real: { ip: "203.0.113.9", port: 8443 } }),
    shop({ service: "billing" }),
  );
  t.deepEqual(
    endAt({ ip: "10.96.20.20", port: 80 }, { real: { ip: "9.9.9.9", port: 9 } }),
    shop({ service: "web", deployment: "web" }),
  );
});

test("a node's port leads to the service on every node, and nowhere else", (t) => {
  for (const ip of [nodeA, nodeB]) {
    t.deepEqual(endAt({ ip, port: 30080 }), shop({ service: "web", deployment: "web" }));
    t.is(endAt({ ip, port: 30081 }), undefined);
    t.is(endAt({ ip, port: 30080 }, { transport: "udp" }), undefined);
  }
  t.is(endAt({ ip: "8.8.8.8", port: 30080 }), undefined);
});

test("a service is found by its external and load balancer's addresses, at its own ports", (t) => {
  t.is(endAt({ ip: "198.51.100.7", port: 80 })?.service, "web");
  t.is(endAt({ ip: "198.51.100.50", port: 443 })?.service, "shop-front");
  t.is(endAt({ ip: "198.51.100.50", port: 444 }), undefined);
});

test("an endpoint outside the cluster is its service's", (t) => {
  t.deepEqual(endAt({ ip: "203.0.113.9", port: 8443 }), shop({ service: "billing" }));
  t.is(endAt({ ip: "203.0.113.9", port: 22 }), undefined);
});

test("pods in their node's network are told apart by port, on each node", (t) => {
  const onA = endAt({ ip: nodeA, port: 9100 });
  const onB = endAt({ ip: nodeB, port: 9100 });
  t.deepEqual([onA?.pod, onB?.pod], ["node-exporter-2sxml", "node-exporter-jqprv"]);
  t.deepEqual([onA?.service, onA?.namespace], ["node-exporter", "monitoring"]);
  t.is(endAt({ ip: nodeA, port: 0 }), undefined);
  t.is(endAt({ ip: nodeA, port: 22 }), undefined);
});

test("a pod is found by the port of its node that leads to it", (t) => {
  t.is(endAt({ ip: nodeA, port: 8088 })?.pod, "edge-node-a");
  t.is(endAt({ ip: nodeB, port: 8088 }), undefined);
});

test("a pod that ended has no address: it may be another's by now", (t) => {
  t.is(recordedObjects("pods").filter(({ metadata }) => metadata?.name?.startsWith("report-")).length, 1);
  t.is(endAt({ ip: "10.244.1.12", port: 0 }), undefined);
});

test("addresses of the world are nobody's", (t) => {
  for (const ip of ["8.8.8.8", "::1", "127.0.0.1", "None", ""]) t.is(endAt({ ip, port: 443 }), undefined);
});

test("a port is served by pods, services and node ports, and not by those who only connect from there", (t) => {
  const { cluster } = recordedCluster();
  const serves = (ip: string, port: number, transport: "tcp" | "udp" = "tcp") =>
    cluster.serves({ ip, port }, transport);
  t.true(serves(web.ip, 8080));
  t.true(serves(nodeA, 9100));
  t.true(serves(nodeA, 8088));
  t.true(serves(nodeB, 30080));
  t.true(serves("10.244.1.10", 53, "udp"));
  t.false(serves(web.ip, 8080, "udp"));
  t.false(serves(web.ip, 40000));
  t.false(serves(nodeA, 22));
  t.false(serves("8.8.8.8", 443));
});

test("the recorded rollout, event by event, leads to what the server listed after it", (t) => {
  const { cluster, clock } = recordedCluster();
  const events = (name: string) =>
    recordedText(`${name}.watch.ndjson`)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; object: PodObject & EndpointSliceObject })
      .filter(({ type }) => type !== "BOOKMARK");
  for (const { type, object } of events("pods")) {
    const key = keyOf(object.metadata!);
    if (type === "DELETED") cluster.pods.remove(key, clock.now);
    else cluster.pods.put(key, keepPod(object, []), clock.now);
  }
  for (const { type, object } of events("endpointslices")) {
    const key = keyOf(object.metadata!);
    if (type === "DELETED") cluster.endpoints.remove(key, clock.now);
    else cluster.endpoints.put(key, object, clock.now);
  }
  const listed = (recordedObjects("pods.after") as PodObject[]).filter(({ status }) => status?.phase === "Running");
  t.deepEqual([...cluster.pods.keys()].sort(), listed.map(({ metadata }) => keyOf(metadata!)).sort());
  for (const { metadata, spec, status } of listed) {
    if (!spec?.hostNetwork) t.is(cluster.pods.find(status!.podIP!)?.name, metadata?.name);
  }
  const addresses = (recordedObjects("endpointslices.after") as EndpointSliceObject[])
    .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === "web")
    .flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []));
  t.is(addresses.length, 3);
  for (const ip of addresses) t.is(cluster.endAt({ ip, port: 8080 }, "tcp")?.deployment, "web");
  // Those that went are known until their last flows are reported.
  t.is(cluster.endAt(web, "tcp")?.pod, "web-844dfbcbc4-mgzqv");
  t.is(cluster.endAt(web, "tcp")?.service, "shop-front");
  cluster.forget(0);
  t.is(cluster.endAt(web, "tcp"), undefined);
});

test("a service whose pods are of several deployments has none", (t) => {
  const { cluster } = recordedCluster();
  const slice = (recordedObjects("endpointslices") as EndpointSliceObject[]).find(
    ({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === "web",
  )!;
  const canary = {
    addresses: ["10.244.1.10"],
    targetRef: { kind: "Pod", namespace: "monitoring", name: "dns-7b469c5444-qrttx" },
  };
  t.is(cluster.endAt({ ip: "10.96.20.20", port: 80 }, "tcp")?.deployment, "web");
  cluster.endpoints.put("shop/web-x", { ...slice, endpoints: [canary] }, 0);
  cluster.changed();
  t.is(cluster.endAt({ ip: "10.96.20.20", port: 80 }, "tcp")?.deployment, undefined);
  cluster.endpoints.remove("shop/web-x", 0);
  cluster.changed();
  t.is(cluster.endAt({ ip: "10.96.20.20", port: 80 }, "tcp")?.deployment, "web");
});

test("labels of the workload win over those of the pod, those of a CronJob over those of its Job", (t) => {
  const { cluster } = recordedCluster(["app", "project_id", "tier", "absent"]);
  const pod = (name: string) => cluster.pods.get(`shop/${name}`)!;
  t.deepEqual(cluster.labelsOf(pod("web-844dfbcbc4-mgzqv")), { app: "web", project_id: "42", tier: "frontend" });
  t.deepEqual(cluster.labelsOf(pod("db-0")), { app: "db", project_id: "7" });
  const running = { phase: "Running", podIP: "10.244.1.12" };
  const report = (recordedObjects("pods") as PodObject[]).find(({ metadata }) =>
    metadata?.name?.startsWith("report-"),
  )!;
  const kept = keepPod({ ...report, status: running }, ["app", "project_id"])!;
  t.deepEqual(cluster.labelsOf(kept), { app: "report", project_id: "42" });
});

const keep = (change: (pod: PodObject) => object): Pod | undefined =>
  keepPod(
    { ...(recordedObjects("pods") as PodObject[])[0], ...change((recordedObjects("pods") as PodObject[])[0]!) },
    [],
  );

test("a ReplicaSet that no Deployment made is no deployment", (t) => {
  const owner = { kind: "ReplicaSet", name: "lone", controller: true };
  t.deepEqual(keep(({ metadata }) => ({ metadata: { ...metadata, ownerReferences: [owner] } }))?.workload, {
    kind: "ReplicaSet",
    name: "lone",
  });
  t.deepEqual(
    keep(({ metadata }) => ({ metadata: { ...metadata, ownerReferences: [{ ...owner, controller: false }] } }))
      ?.workload,
    undefined,
  );
});

test("an object with nothing in it is kept as nothing, and breaks nothing", (t) => {
  t.deepEqual(keepPod({}, ["app"])?.names, []);
  t.deepEqual(keepService({})?.names, []);
  const { cluster } = recordedCluster();
  cluster.endpoints.put("x/y", {}, 0);
  cluster.endpoints.put(
    "x/y",
    { metadata: { labels: { "kubernetes.io/service-name": "z" } }, endpoints: null, ports: null },
    0,
  );
  t.is(cluster.endAt(web, "tcp")?.service, "shop-front");
});

test("a pod in its node's network serves the ports it declares at its node's address, without being its only owner", (t) => {
  const pod = keep(({ metadata }) => ({
    metadata,
    spec: { containers: [{ ports: [{ containerPort: 9 }] }], hostNetwork: true },
    status: { phase: "Running", podIP: nodeA },
  }));
  t.true(pod?.names.includes(`${nodeA}:9/tcp`));
  t.false(pod?.names.includes(nodeA));
});

test("addresses are compared as flows write them", (t) => {
  const pod = keep(() => ({
    status: { phase: "Running", podIP: "FD00:0:0::0A", podIPs: [{ ip: "::ffff:10.1.2.3" }] },
  }));
  t.deepEqual(
    pod?.names.filter((name) => /^[\da-f.:]+$/.test(name) && name.includes(":") !== name.includes(".")),
    ["fd00::a", "10.1.2.3"],
  );
});

test("a port of another protocol is another port, and SCTP none", (t) => {
  const service: ServiceObject = {
    metadata: { namespace: "n", name: "s" },
    spec: {
      clusterIP: "None",
      externalIPs: ["192.0.2.1"],
      ports: [
        { port: 1, protocol: "UDP", nodePort: 30001 },
        { port: 2, protocol: "SCTP", nodePort: 30002 },
        { port: 3 },
      ],
    },
  };
  t.deepEqual(keepService(service), {
    namespace: "n",
    name: "s",
    created: 0,
    headless: true,
    names: ["192.0.2.1:1/udp", "node port 30001/udp", "192.0.2.1:3/tcp"],
  });
});
