// SPDX-License-Identifier: MIT

import { type Backend, isSecret, type PluginEntry } from "@skep/core";
import { recordedPlugin } from "./recorded-plugin.js";
import type { RecordingHeader } from "./header.js";
import { recordingBackend } from "./recording-backend.js";
import type { RecordingSink } from "./sink.js";
import type { RecordingWriter } from "./writer.js";

/** What an agent that is to be recorded is made with. */
export interface Recorder {
  readonly backend: Backend;
  readonly plugins: readonly PluginEntry[];
}

/**
 * Records a run whole: what its plugins learn from the kernel, from services and from the host, and when. Plugins without
 * measurements are not recorded: what they provide is, where it is used.
 * @param sinkFor called for each plugin's session, as by {@link recordingBackend}
 */
export function recorder(
  inner: Backend,
  entries: readonly PluginEntry[],
  sinkFor: (header: RecordingHeader) => RecordingSink,
): Recorder {
  const writers = new Map<string, RecordingWriter>();
  const recorded = entries.filter(({ plugin }) => plugin.measurements.length > 0);
  const backend = recordingBackend(inner, sinkFor, {
    plugins: recorded.map(({ plugin }) => plugin),
    configOf: (name) => withoutSecrets(recorded.find(({ plugin }) => plugin.name === name)),
    onSession: (plugin, writer) => void writers.set(plugin, writer),
  });
  const wrap = (entry: PluginEntry): PluginEntry =>
    recorded.includes(entry)
      ? { ...entry, plugin: recordedPlugin(entry.plugin, () => writers.get(entry.plugin.name)) }
      : entry;
  return { backend, plugins: entries.map(wrap) };
}

/** Recordings are sent to others. */
function withoutSecrets(entry: PluginEntry | undefined): unknown {
  const shape = entry?.plugin.config?.shape ?? {};
  return (
    entry?.config &&
    Object.fromEntries(Object.entries(entry.config).filter(([key]) => !(shape[key] && isSecret(shape[key]))))
  );
}
