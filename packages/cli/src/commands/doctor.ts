// SPDX-License-Identifier: MIT

import { libbpfBackend } from "@skep/backend-libbpf";
import {
  createAgent,
  silentLogger,
  SkepError,
  type AgentStatus,
  type Backend,
  type Plugin,
  type Scope,
} from "@skep/core";
import { CommandCgroup } from "../cgroup.js";
import { diagnose, type Diagnosis } from "../diagnosis.js";
import { formatDiagnosis } from "../diagnosis-text.js";
import { ExitStatus } from "../exit-status.js";
import { hostFacts } from "../host-facts.js";
import { builtins, createRegistry, supportFor } from "../plugins.js";

/**
 * Says what this host can do, by doing it: every plugin is loaded and attached as `skep run` would, in a scope in which nothing
 * runs, and detached again.
 */
export async function doctor({ json, plugin }: { json?: boolean; plugin?: string }): Promise<number> {
  const plugins = plugin === undefined ? builtins : await createRegistry().resolve([plugin]);
  const diagnosis = await examine(plugins);
  process.stdout.write(json ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : formatDiagnosis(diagnosis));
  const works = diagnosis.plugins.some(({ support }) => support !== "unavailable");
  return works ? ExitStatus.done : ExitStatus.nothingRuns;
}

async function examine(plugins: readonly Plugin[]): Promise<Diagnosis> {
  let backend: Backend;
  try {
    backend = libbpfBackend();
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    return diagnose(hostFacts(), plugins, error);
  }
  const cgroup = emptyCgroup();
  try {
    return diagnose(hostFacts(), plugins, await tryAll(backend, plugins, cgroup?.path));
  } finally {
    await backend.close();
    cgroup?.remove();
  }
}

async function tryAll(backend: Backend, plugins: readonly Plugin[], cgroup: string | undefined): Promise<AgentStatus> {
  const scope: Scope = cgroup === undefined ? { pids: [process.pid] } : { cgroups: [cgroup] };
  const agent = createAgent({ backend, plugins: [...plugins, ...supportFor(plugins)], scope, log: silentLogger });
  try {
    await agent.start();
  } catch (error) {
    if (!(error instanceof SkepError)) throw error; // the status says it per plugin
  }
  const status = agent.status();
  await agent.stop();
  return status;
}

/** Without cgroup v2, or the right to make one, the doctor itself is the scope: it does nothing to see. */
function emptyCgroup(): CommandCgroup | undefined {
  try {
    return CommandCgroup.create();
  } catch (error) {
    if (error instanceof SkepError) return undefined;
    throw error;
  }
}
