// SPDX-License-Identifier: MIT
import test from "ava";
import { join } from "node:path";
import { findApiServer } from "../../src/api/api-server.js";
import { kubernetesConfig } from "../../src/config.js";
import { folder } from "../support/folder.js";

const config = (given: object = {}) => kubernetesConfig.parse(given);
const inCluster = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "6443" };

test("outside a cluster and without configuration there is no API server", (t) => {
  t.is(findApiServer(config(), {}, folder(t)), undefined);
  t.is(
    findApiServer(config({ kubernetes_url: "", bearer_token: "", workload_labels: ["app"] }), {}, folder(t)),
    undefined,
  );
});

test("inside a cluster the service account says who we are and whom to trust", (t) => {
  const account = folder(t, { token: "x", "ca.crt": "y" });
  t.deepEqual(findApiServer(config(), inCluster, account), {
    url: "https://10.96.0.1:6443",
    token: { file: join(account, "token") },
    caFile: join(account, "ca.crt"),
    verify: true,
  });
});

test("a pod without a service account was not meant to ask the API", (t) => {
  t.is(findApiServer(config(), inCluster, folder(t)), undefined);
});

test("the API server of an IPv6 cluster has brackets, and 443 is its port when nothing else is said", (t) => {
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1" };
  t.is(findApiServer(config(), env, folder(t, { token: "x" }))?.url, "https://[fd00::1]:443");
});

test("configuration wins over what the cluster says, key by key", (t) => {
  const account = folder(t, { token: "x", "ca.crt": "y" });
  const given = { kubernetes_url: "https://api.example:8443/k8s/", bearer_token_string: "secret" };
  t.deepEqual(findApiServer(config(given), inCluster, account), {
    url: "https://api.example:8443/k8s",
    token: { text: "secret" },
    caFile: join(account, "ca.crt"),
    verify: true,
  });
  t.is(findApiServer(config({ kubernetes_ca: "/my/ca" }), inCluster, account)?.caFile, "/my/ca");
  t.is(findApiServer(config({ kubernetes_insecure: true }), inCluster, account)?.verify, false);
});

test("a token in a file wins over one in the configuration, as in the reference", (t) => {
  const given = { kubernetes_url: "https://a", bearer_token: "/run/token", bearer_token_string: "old" };
  t.deepEqual(findApiServer(config(given), {}, folder(t))?.token, { file: "/run/token" });
});

test("a token without a URL means the API server's name inside every cluster, as in the reference", (t) => {
  t.is(findApiServer(config({ bearer_token_string: "s" }), {}, folder(t))?.url, "https://kubernetes.default:443");
});

test("what is no URL of an API server is refused before anything starts", (t) => {
  for (const kubernetes_url of ["kubernetes.default:443", "ftp://a", "/var/run/x"]) {
    t.throws(() => config({ kubernetes_url }), { message: /is no http or https URL/ }, kubernetes_url);
  }
});
