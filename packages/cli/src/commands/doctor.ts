// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent, kernelSection, sectionOf, silentLogger, SkepError, type Plugin, type Scope } from "@skep/core";
import { CommandCgroup } from "../cgroup.js";
import { loadRunConfig } from "../config.js";
import { diagnose, meets, type Diagnosis, type Requirement } from "../diagnosis.js";
import { formatDiagnosis } from "../diagnosis-text.js";
import { ExitStatus } from "../exit-status.js";
import { hostFacts } from "../host-facts.js";
import { builtins, createRegistry, isOfUse, supportFor } from "../plugins.js";

export interface DoctorOptions {
  readonly json?: boolean;
  readonly plugin?: string;
  readonly config?: string;
  readonly btfPath?: string;
  readonly require?: Requirement;
}

/**
 * Says what this host can do, by doing it: every plugin is loaded and attached as `skep run` would, in a scope in which nothing
 * runs, and detached again. The status is 0 when as much works as is required, else 3.
 */
export async function doctor({ json, plugin, config, btfPath, require = "any" }: DoctorOptions): Promise<number> {
  const plugins =
    plugin === undefined ? builtins.filter((each) => isOfUse(each)) : await createRegistry().resolve([plugin]);
  const flags = btfPath === undefined ? {} : { btf_path: btfPath };
  const loaded = await loadRunConfig({ options: config === undefined ? {} : { config }, flags, command: undefined });
  const diagnosis = await examine(plugins, sectionOf(loaded, kernelSection).btf_path);
  process.stdout.write(json ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : formatDiagnosis(diagnosis));
  return meets(diagnosis, require) ? ExitStatus.done : ExitStatus.nothingRuns;
}

async function examine(plugins: readonly Plugin[], btf: string | undefined): Promise<Diagnosis> {
  const backend = libbpfBackend(btf === undefined ? {} : { host: { btf } });
  const cgroup = emptyCgroup();
  const scope: Scope = cgroup === undefined ? { pids: [process.pid] } : { cgroups: [cgroup.path] };
  const support = supportFor(plugins).filter((each) => isOfUse(each));
  const agent = createAgent({ backend, plugins: [...plugins, ...support], scope, log: silentLogger });
  try {
    await agent.start().catch(forgiveSkepError); // the status says it per plugin
    return diagnose(hostFacts(btf), plugins, agent.status());
  } finally {
    await agent.stop();
    await backend.close();
    cgroup?.remove();
  }
}

function forgiveSkepError(error: unknown): void {
  if (!(error instanceof SkepError)) throw error;
}

/** Without cgroup v2, or the right to make one, the doctor itself is the scope: it does nothing to see. */
function emptyCgroup(): CommandCgroup | undefined {
  try {
    return CommandCgroup.create();
  } catch (error) {
    forgiveSkepError(error);
    return undefined;
  }
}
