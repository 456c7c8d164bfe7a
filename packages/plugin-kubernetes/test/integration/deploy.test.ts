// SPDX-License-Identifier: MIT
import test from "ava";
import { loadConfig } from "@skep/core";
import { net } from "@skep/plugin-net";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { renderChart, renderManifest } from "../../../../deploy/render.mjs";
import { Cluster } from "../../src/cluster/cluster.js";
import { kubernetes } from "../../src/index.js";
import { subscriptions } from "../../src/resources.js";
import { capabilities } from "../support/capabilities.js";
import { violations, type Manifest } from "../support/kubernetes-schema.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const committed = readFileSync(`${root}deploy/skep.yaml`, "utf8");

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: {
    readonly privileged: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly drop: readonly string[]; readonly add: readonly string[] };
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface Parsed {
  DaemonSet: {
    spec: {
      template: {
        spec: {
          hostPID: boolean;
          serviceAccountName: string;
          containers: Container[];
          volumes: { name: string; hostPath?: { path: string } }[];
        };
      };
    };
  };
  ClusterRole: { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] };
  ClusterRoleBinding: { subjects: { name: string; namespace: string }[]; roleRef: { name: string } };
  ConfigMap: { data: Record<string, string> };
}

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
const byKind = (text: string) =>
  Object.fromEntries(parse(text).map((manifest) => [manifest.kind, manifest])) as unknown as Parsed;
const containerOf = ({ DaemonSet }: Parsed) => DaemonSet.spec.template.spec.containers[0]!;

/** `group/resource` of all that the plugin reads. */
function read(labels: string[]): string[] {
  return subscriptions(new Cluster(labels), labels, () => 0)
    .map(({ resource: { path } }) => /^\/(?:api|apis\/([^/]+))\/v1\/(\w+)$/.exec(path)!)
    .map(([, group = "", resource]) => `${group}/${resource}`)
    .sort();
}
const allowed = ({ ClusterRole }: Parsed): string[] =>
  ClusterRole.rules
    .flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map((name) => `${group}/${name}`)))
    .sort();

test("every object of the manifest is what Kubernetes' schema says", (t) => {
  const manifests = parse(committed);
  t.deepEqual(manifests.flatMap(violations), []);
  t.deepEqual(manifests.map(({ kind }) => kind).sort(), [
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "DaemonSet",
    "Namespace",
    "ServiceAccount",
  ]);
});

test("the schema check sees what is misspelt, missing or of the wrong type", (t) => {
  const broken = (change: (text: string) => string) => parse(change(committed)).flatMap(violations).join("\n");
  t.regex(
    broken((text) => text.replace("hostPID", "hostPid")),
    /template\.spec\.hostPid does not exist in V1PodSpec/,
  );
  t.regex(
    broken((text) => text.replace("hostPID: true", 'hostPID: "yes"')),
    /hostPID/,
  );
  t.regex(
    broken((text) => text.replace(/ {2}selector:\n {4}matchLabels:\n(.*\n){2}/, "")),
    /selector/,
  );
});

test("the role allows to list and watch what is read, and nothing else", (t) => {
  const manifest = byKind(committed);
  t.deepEqual(allowed(manifest), read([]));
  for (const { verbs } of manifest.ClusterRole.rules) t.deepEqual(verbs, ["list", "watch"]);
  t.is(manifest.ClusterRoleBinding.subjects[0]!.name, manifest.DaemonSet.spec.template.spec.serviceAccountName);
});

test("the container has the mounts and variables of the user's document, all of them read-only", (t) => {
  const manifest = byKind(committed);
  const { volumeMounts, env } = containerOf(manifest);
  const { volumes } = manifest.DaemonSet.spec.template.spec;
  const mounted = Object.fromEntries(
    volumeMounts.map(({ name, mountPath }) => [
      mountPath,
      volumes.find((volume) => volume.name === name)?.hostPath?.path,
    ]),
  );
  t.like(mounted, { "/rootfs": "/", "/sys/kernel/debug": "/sys/kernel/debug", "/sys/fs/cgroup": "/sys/fs/cgroup" });
  t.true(volumeMounts.every(({ readOnly }) => readOnly));
  const values = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  t.like(values, { HOST_ROOT: "/rootfs", HOST_PROC: "/rootfs/proc" });
  t.true(manifest.DaemonSet.spec.template.spec.hostPID);
});

test("the container is not privileged and has every capability its plugins name", (t) => {
  const { privileged, allowPrivilegeEscalation, capabilities: given } = containerOf(byKind(committed)).securityContext;
  t.false(privileged);
  t.false(allowPrivilegeEscalation);
  t.deepEqual(given, { drop: ["ALL"], add: [...capabilities] });
  for (const capability of net.capabilities) t.true(given!.add.includes(capability.replace("CAP_", "")), capability);
});

test("Skep takes the configuration of the manifest as it is", async (t) => {
  const manifest = byKind(committed);
  const [[file, text]] = Object.entries(manifest.ConfigMap.data) as [[string, string]];
  t.true(containerOf(manifest).args.join(" ").startsWith(`run --config /etc/skep/${file} `));
  const config = await loadConfig({ file, text, plugins: [net, kubernetes] });
  t.deepEqual(config.enabled_plugins, ["ebpf-net"]);
  t.deepEqual(config.notices, []);
});

test("the image is built from what is there, and starts the command of the package", (t) => {
  const dockerfile = readFileSync(`${root}deploy/Dockerfile`, "utf8");
  const { bin } = JSON.parse(readFileSync(`${root}packages/cli/package.json`, "utf8")) as { bin: { skep: string } };
  t.true(dockerfile.includes(`/opt/skep/${bin.skep.replace("./", "")} `));
  for (const [, path] of dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)) t.true(existsSync(root + path), path);
});

const helm = spawnSync(process.env["HELM"] || "helm", ["version", "--short"], { encoding: "utf8" });
const withHelm = helm.status === 0 ? test : test.skip;
const why = helm.status === 0 ? "" : " (skipped: helm is not installed)";

withHelm(`the chart's defaults are the manifest${why}`, (t) => {
  t.is(renderManifest(), committed);
});

withHelm(`whatever is chosen, the chart renders what Kubernetes' schema says${why}`, (t) => {
  const choices = [
    ["privileged=true"],
    ["hostNetwork=false", "rbac.create=false", "serviceAccount.create=false"],
    ["serviceAccount.name=other", "image.tag=1", "priorityClassName=system-node-critical"],
    ["env[0].name=ENV_INPUT_EBPF_INTERVAL", "env[0].value=10s", "imagePullSecrets[0].name=registry"],
    ["podAnnotations.a=b", "podLabels.c=d", "serviceAccount.annotations.e=f"],
  ];
  for (const choice of choices) {
    for (const kubeVersion of ["1.21.0", "1.34.0"]) {
      const text = renderChart(
        choice.flatMap((set) => ["--set", set]),
        kubeVersion,
      );
      t.deepEqual(parse(text).flatMap(violations), [], `${choice.join(" ")} on ${kubeVersion}`);
    }
  }
});

withHelm(`labels of workloads widen the role by what they take${why}`, (t) => {
  const rendered = byKind(renderChart(["--set", "config.workload_labels={app}"]));
  t.deepEqual(allowed(rendered), read(["app"]));
  t.deepEqual(allowed(byKind(renderChart(["--set", "rbac.workloads=true"]))), read(["app"]));
});

withHelm(`a plugin that takes more capabilities gets them, and no other${why}`, (t) => {
  const rendered = byKind(renderChart(["--set", "config.enabled_plugins={ebpf-net,ebpf-conntrack}"]));
  const before = containerOf(byKind(committed)).securityContext.capabilities!.add;
  t.deepEqual(containerOf(rendered).securityContext.capabilities!.add, [...before, "SYS_ADMIN"]);
  t.deepEqual(containerOf(byKind(renderChart(["--set", "privileged=true"]))).securityContext.capabilities, undefined);
});

withHelm(`an ebpf.conf is used as it is${why}`, async (t) => {
  const conf = '[[inputs.ebpf]]\n  enabled_plugins = ["ebpf-net"]\n  interval = "30s"\n';
  const rendered = byKind(renderChart(["--set-string", `ebpfConf=${conf.replaceAll(",", "\\,")}`]));
  t.deepEqual(rendered.ConfigMap.data, { "ebpf.conf": conf });
  t.true(containerOf(rendered).args.includes("/etc/skep/ebpf.conf"));
});
