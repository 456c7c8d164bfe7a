// SPDX-License-Identifier: MIT
import test from "ava";
import { loadRunConfig } from "../../src/config.js";

const load = async (flags: Record<string, string | boolean> = {}) => {
  const config = await loadRunConfig({ options: {}, flags, command: undefined });
  return { config, names: config.resolved.map(({ name }) => name) };
};

test("plugins that support those that were named come by themselves, after them", async (t) => {
  const { config, names } = await load();
  t.deepEqual(config.enabled_plugins, ["ebpf-net"]);
  t.is(names[0], "ebpf-net");
  t.true(names.includes("ebpf-process"));
});

test("outside a cluster nobody hears of kubernetes, unless it was named", async (t) => {
  t.is(process.env["KUBERNETES_SERVICE_HOST"], undefined, "these tests do not run in a pod");
  t.false((await load()).names.includes("kubernetes"));
  t.true((await load({ enabled: "ebpf-net,kubernetes" })).names.includes("kubernetes"));
});

test("with an API server configured kubernetes comes by itself, and knows its keys", async (t) => {
  const { config, names } = await load({
    "kubernetes-url": "https://api.example:6443",
    workload_labels: "app,project_id",
  });
  t.true(names.includes("kubernetes"));
  t.like(config.plugins.get("kubernetes"), {
    kubernetes_url: "https://api.example:6443",
    workload_labels: ["app", "project_id"],
  });
  t.deepEqual(config.notices, []);
});

test("where no plugin wants to know about Kubernetes it stays away", async (t) => {
  const { names } = await load({ enabled: "ebpf-process", "kubernetes-url": "https://api.example:6443" });
  t.deepEqual(names, ["ebpf-process"]);
});

test("a wrong key of kubernetes is told, whoever brought the plugin", async (t) => {
  await t.throwsAsync(load({ "kubernetes-url": "api.example" }), {
    message: /--kubernetes-url: .*no http or https URL/,
  });
});
