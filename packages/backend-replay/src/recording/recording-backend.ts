// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { type Backend, type OpenRequest, type Plugin, type Session, SkepError } from "@skep/core";
import type { RecordingHeader } from "./header.js";
import { layoutHash, layoutsOf } from "./layout-hash.js";
import { RecordingSession } from "./recording-session.js";
import type { RecordingSink } from "./sink.js";
import { RecordingWriter } from "./writer.js";

export interface RecordingOptions {
  /** The plugins to record; others run unrecorded. They say what the recorded bytes mean. */
  readonly plugins: readonly Plugin[];
  /** Configuration of a plugin, to go into its recording. */
  readonly configOf?: (plugin: string) => unknown;
  /** Told of each session's writer, for what a plugin learns elsewhere. */
  readonly onSession?: (plugin: string, writer: RecordingWriter) => void;
  /** CLOCK_MONOTONIC, ns. */
  readonly monotonicNs?: () => bigint;
  /** Unix time, ns. */
  readonly unixNs?: () => bigint;
}

/**
 * Wraps a backend: everything a plugin learns through it is written down as it happens, and nothing else changes.
 *
 * @param sinkFor called when a plugin is loaded, again when it is restarted: one recording per session. A sink that throws ends
 * its recording with a line in the log; the plugin goes on.
 */
export function recordingBackend(
  inner: Backend,
  sinkFor: (header: RecordingHeader) => RecordingSink,
  options: RecordingOptions,
): Backend {
  const monotonicNs = options.monotonicNs ?? (() => process.hrtime.bigint());
  const unixNs = options.unixNs ?? (() => BigInt(Date.now()) * 1_000_000n);

  const record = (plugin: Plugin, request: OpenRequest, session: Session, openedAt: Times): Session => {
    const config = options.configOf?.(plugin.name);
    const header = { ...headerOf(plugin, request, session, openedAt), ...(config === undefined ? {} : { config }) };
    const onFailure = (error: unknown) =>
      request.log.warn({ event: "recording_failed", error: String(error) }, `the recording of ${plugin.name} ended`);
    const writer = new RecordingWriter(header, sinkFor(header), monotonicNs, onFailure);
    options.onSession?.(plugin.name, writer);
    return new RecordingSession(session, writer);
  };

  return {
    name: inner.name,
    ...(inner.readsObjects === undefined ? {} : { readsObjects: inner.readsObjects }),
    probe: (what) => inner.probe(what),
    choose: (request) => inner.choose(request),
    async open(request) {
      const plugin = options.plugins.find((plugin) => plugin.name === request.plugin);
      const openedAt = { monotonicNs: monotonicNs(), unixNs: unixNs() };
      const session = await inner.open(request);
      if (plugin === undefined) return session;
      try {
        return record(plugin, request, session, openedAt);
      } catch (error) {
        await session.close();
        throw new SkepError("SKEP_ERR_RECORDING", `cannot record: ${(error as Error).message}`, {
          plugin: request.plugin,
          cause: error,
        });
      }
    },
    ...(inner.enableStats === undefined ? {} : { enableStats: () => inner.enableStats!() }),
    close: () => inner.close(),
  };
}

type Times = RecordingHeader["clock"];

function headerOf(plugin: Plugin, request: OpenRequest, session: Session, clock: Times): RecordingHeader {
  const layouts = layoutsOf(plugin);
  return {
    plugin: { name: plugin.name, version: plugin.version, api: plugin.api },
    kernel: { release: release(), arch: process.arch, possibleCpus: possibleCpus() },
    clock,
    strategies: session.strategies,
    rodata: request.rodata,
    mapEntries: request.mapEntries,
    layouts,
    layoutHash: layoutHash(layouts),
  };
}

/** How many values a per-CPU map has: the CPUs the kernel was prepared for, such as `0-3`. */
function possibleCpus(): number {
  try {
    const last = /(\d+)\s*$/.exec(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
    if (last !== null) return Number(last[1]) + 1;
  } catch {
    // No such file where nothing but a recording is played.
  }
  return cpus().length;
}
