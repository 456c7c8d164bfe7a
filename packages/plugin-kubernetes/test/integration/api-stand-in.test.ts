// SPDX-License-Identifier: MIT
import test from "ava";
import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { until } from "@skep/testkit";
import { ApiStandIn, caFile } from "../support/api-stand-in.js";
import { recordedObjects } from "../support/recorded.js";

const path = "/api/v1/pods";

test("Kubernetes' own client understands the stand-in: lists, changes, tokens, TLS", async (t) => {
  const standIn = await ApiStandIn.start(t, "https");
  standIn.tokens.add("let-me-in");
  standIn.load(path, "pods");
  const config = new KubeConfig();
  const cluster = { name: "stand-in", server: standIn.url, caFile, skipTLSVerify: false };
  config.loadFromClusterAndUser(cluster, { name: "test", token: "let-me-in" });
  const api = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, path, () => api.listPodForAllNamespaces());
  const heard: string[] = [];
  for (const verb of ["add", "update", "delete"] as const) {
    informer.on(verb, (pod) => heard.push(`${verb} ${pod.metadata?.name}`));
  }
  t.teardown(() => informer.stop());
  await informer.start();
  t.deepEqual(
    heard.sort(),
    recordedObjects("pods")
      .map(({ metadata }) => `add ${metadata?.name}`)
      .sort(),
  );

  heard.length = 0;
  await until(() => standIn.watchesOf(path) === 1, { what: "a watch" });
  standIn.put(path, { metadata: { namespace: "shop", name: "new" } });
  standIn.put(path, { metadata: { namespace: "shop", name: "new", labels: { a: "b" } } });
  standIn.bookmark(path);
  standIn.delete(path, "shop/new");
  await until(() => heard.length === 3, { what: "the changes" });
  t.deepEqual(heard, ["add new", "update new", "delete new"]);
});
