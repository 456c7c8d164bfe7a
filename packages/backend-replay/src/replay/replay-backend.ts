// SPDX-License-Identifier: MIT

import { type Backend, type Clock, type OpenRequest, type Plugin, SkepError } from "@skep/core";
import { type Lend, lendOnce, lendPlainly } from "../kernel/lend.js";
import type { Verdicts } from "../kernel/verdicts.js";
import { layoutHash, layoutsOf } from "../recording/layout-hash.js";
import type { Recording } from "../recording/reader.js";
import { RecordedKernel } from "./recorded-kernel.js";

export interface ReplayOptions {
  /** The clock the agent has too: records come when it says so. See `fakeRecordedClock` and `recordedClock`. */
  readonly clock: Clock;
  /** What the host should be able to do. Default: strategies are those of the recording. */
  readonly verdicts?: Verdicts;
  /** False: kept cursors are not found out, and playing is several times faster. Default true. */
  readonly poison?: boolean;
  /** True: whoever plays puts the records into the kernels' rings; the clock does not. */
  readonly stepwise?: boolean;
}

export interface ReplayBackend extends Backend {
  /** The kernel a plugin's recording plays in, to script attach failures or losses. Recordings of one plugin in their order. */
  kernels(plugin: string): readonly RecordedKernel[];
  /** Resolves when everything recorded has been read by plugins that were started. */
  readonly finished: Promise<void>;
}

/** Plays recordings back. Several recordings of one plugin are its restarts; all share one time. */
export function replayBackend(recordings: Recording | readonly Recording[], options: ReplayOptions): ReplayBackend {
  const all = [recordings].flat() as readonly Recording[];
  const lend: Lend = options.poison === false ? lendPlainly : lendOnce;
  const begin = all.map(({ header }) => header.clock.monotonicNs).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[0] ?? 0n;
  const shiftNs = options.clock.monotonicNs() - begin;
  const { clock, verdicts, stepwise = false } = options;
  const played = all.map((recording) => ({
    plugin: recording.header.plugin.name,
    kernel: new RecordedKernel(recording, {
      clock,
      shiftNs,
      lend,
      stepwise,
      ...(verdicts === undefined ? {} : { verdicts }),
    }),
  }));
  const kernels = (plugin: string) => played.filter((one) => one.plugin === plugin).map((one) => one.kernel);
  const opened = new Map<string, number>();

  /** The kernel of the plugin's next session. */
  const next = (request: OpenRequest): RecordedKernel => {
    const kernel = kernels(request.plugin)[opened.get(request.plugin) ?? 0];
    if (kernel !== undefined) return kernel;
    throw new SkepError(
      "SKEP_ERR_RECORDING",
      `there is no ${opened.has(request.plugin) ? "further " : ""}recording of it`,
      {
        plugin: request.plugin,
        phase: "load",
        hint: `there are recordings of ${[...new Set(played.map((one) => one.plugin))].join(", ") || "nothing"}`,
      },
    );
  };

  return {
    name: "replay",
    readsObjects: false,
    kernels,
    finished: Promise.all(played.map(({ kernel }) => kernel.finished)).then(() => {}),
    async probe(what) {
      const kernel = played[0]?.kernel;
      return kernel === undefined ? { supported: undefined, reason: "nothing is played" } : kernel.probe(what);
    },
    choose: async (request) => next(request).choose(request),
    async open(request) {
      const kernel = next(request);
      const session = await kernel.open(request);
      opened.set(request.plugin, (opened.get(request.plugin) ?? 0) + 1);
      return session;
    },
    async close() {
      for (const { kernel } of played) await kernel.close();
    },
  };
}

/** Length of a recording, ms: from load to close, or to the last thing learnt when that is missing. */
export function durationMs({ header, endNs }: Recording): number {
  return Number(endNs - header.clock.monotonicNs) / 1e6;
}

/**
 * @throws SkepError `SKEP_ERR_RECORDING` when the recording is another plugin's, or its bytes lie otherwise than the plugin's
 * codecs read them.
 */
export function requireRecordingOf(plugin: Pick<Plugin, "name" | "streams" | "layouts">, recording: Recording): void {
  const { header } = recording;
  if (header.plugin.name !== plugin.name) {
    throw new SkepError("SKEP_ERR_RECORDING", `this is a recording of ${header.plugin.name}, not of ${plugin.name}`, {
      plugin: plugin.name,
    });
  }
  if (header.layoutHash === layoutHash(layoutsOf(plugin))) return;
  throw new SkepError("SKEP_ERR_RECORDING", `the recording was made with other layouts (${header.layoutHash})`, {
    plugin: plugin.name,
    hint: "the plugin's structs have changed since: re-record with skep record",
  });
}
