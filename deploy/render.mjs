// SPDX-License-Identifier: MIT
// Writes skep.yaml: the chart with its defaults, for those who use no Helm.
//
//   node deploy/render.mjs            writes it
//   node deploy/render.mjs --check    fails when it differs
//
// Needs helm 3 in the PATH, or its path in HELM.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const chart = fileURLToPath(new URL("helm/skep", import.meta.url));
const manifest = fileURLToPath(new URL("skep.yaml", import.meta.url));

const head = `# SPDX-License-Identifier: MIT
# Skep on every node: kubectl apply -f skep.yaml
# Made by render.mjs from the chart in helm/skep with its defaults; do not edit.
apiVersion: v1
kind: Namespace
metadata:
  name: skep
  labels:
    # It watches whole nodes: their processes, their network, their files.
    pod-security.kubernetes.io/enforce: privileged
`;

/** The chart as `helm template` renders it. `args` such as `["--set", "privileged=true"]`. */
export function renderChart(args = [], kubeVersion = "1.34.0") {
  const given = ["template", "skep", chart, "--namespace", "skep", "--kube-version", kubeVersion, ...args];
  return execFileSync(process.env.HELM || "helm", given, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** The manifest without Helm's own marks. */
export function renderManifest() {
  const lines = renderChart().split("\n");
  const marks = /^# Source: |^ +(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): /;
  return head + lines.filter((line) => !marks.test(line)).join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) writeFileSync(manifest, renderManifest());
  else if (readFileSync(manifest, "utf8") !== renderManifest()) {
    console.error("deploy/skep.yaml differs from the chart: run node deploy/render.mjs");
    process.exitCode = 1;
  }
}
