// SPDX-License-Identifier: MIT

import { z } from "zod";
import {
  defineMeasurement,
  definePlugin,
  field,
  tag,
  type Codec,
  type Plugin,
  type PluginContext,
  type PluginInstance,
  type ProbeGroup,
} from "../../../src/index.js";

export const sample = defineMeasurement({
  name: "sample",
  category: "network",
  description: "What the plugins of the tests emit.",
  tags: { kind: tag("what was seen") },
  fields: { value: field("int", "1", "how much of it") },
});

/** Records of the test plugins: one little-endian u32. */
export const sampleCodec: Codec<{ value: number }> = {
  layout: { struct: "sample", size: 4, fields: [{ name: "value", offset: 0, size: 4 }] },
  read: (cursor) => ({ value: cursor.u32[cursor.at >> 2]! }),
};

export const record = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

export const group = (...names: [string, ...string[]]): ProbeGroup => ({
  observes: "something",
  strategies: names.map((name) => ({ name, programs: {} })) as unknown as ProbeGroup["strategies"],
});

type Setup = (context: PluginContext<{ label: string }>) => PluginInstance | Promise<PluginInstance>;

/** A plugin with one object, one ring, one probe group and the configuration key `label`. */
export function testPlugin(
  name: string,
  setup: Setup = () => ({}),
  more: Partial<Plugin<{ label: string }>> = {},
): Plugin<{ label: string }> {
  return definePlugin({
    name,
    version: "1.0.0",
    description: "for tests",
    config: z.strictObject({ label: z.string().default("none") }),
    measurements: [sample],
    objects: { main: {} },
    probes: { hooks: group("best", "second") },
    streams: { records: { map: "records", codec: sampleCodec } },
    capabilities: [],
    setup,
    ...more,
  });
}

/** Emits one point per ring record. */
export const direct: Setup = (context) => {
  context.ring("records").on((cursor) => {
    context.emit(sample.point(1n, { kind: "direct" }, { value: sampleCodec.read(cursor).value }));
  });
  return {};
};

/** Sums ring records and emits one point per interval. */
export const summing: Setup = (context) => {
  let sum: number | undefined;
  context.ring("records").on((cursor) => {
    const { value } = sampleCodec.read(cursor);
    if (sum === undefined) sum = value;
    else {
      sum += value;
      context.count("aggregated");
    }
  });
  return {
    flush: (time) => {
      if (sum !== undefined) context.emit(sample.point(time, { kind: "sum" }, { value: sum }));
      sum = undefined;
    },
  };
};

export const layouts = { sample: sampleCodec.layout };
