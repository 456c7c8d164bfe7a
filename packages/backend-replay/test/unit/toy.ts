// SPDX-License-Identifier: MIT
// A plugin of one ring, one map and one iterator, and what it needs to be recorded.

import {
  type Cursor,
  defineMeasurement,
  definePlugin,
  field,
  type OpenRequest,
  type Plugin,
  type RecordHandler,
  silentLogger,
} from "@skep/core";
import { z } from "zod";

export const beat = {
  layout: {
    struct: "beat",
    size: 8,
    fields: [
      { name: "count", offset: 0, size: 4 },
      { name: "pid", offset: 4, size: 4 },
    ],
  },
  count: (c: Cursor) => c.u32[c.at >> 2]!,
  pid: (c: Cursor) => c.u32[(c.at + 4) >> 2]!,
  read: (c: Cursor) => ({ count: beat.count(c), pid: beat.pid(c) }),
};

export const beatBytes = (count: number, pid = 0): Uint8Array => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, count, true);
  view.setUint32(4, pid, true);
  return bytes;
};

export const u32 = (value: number): Uint8Array => beatBytes(value).subarray(0, 4);

const beats = defineMeasurement({
  name: "beats",
  category: "network",
  description: "heart beats",
  tags: {},
  fields: { count: field("int", "1", "beats of the interval"), live: field("int", "1", "hearts") },
});

/** Adds up the ring's beats; at each flush counts the hearts by the iterator, and the map's entries into `total`. */
export const toy: Plugin<{ step: number }> = definePlugin({
  name: "toy",
  version: "1.0.0",
  description: "counts beats",
  config: z.object({ step: z.number().default(1) }),
  measurements: [beats],
  objects: { toy: { x64: new URL("file:///nowhere/toy.bpf.o") } },
  probes: {
    beats: {
      observes: "beats",
      strategies: [
        { name: "fentry", programs: { on_beat: { kind: "fentry", fn: "beat" } } },
        {
          name: "tp_btf",
          programs: { on_beat_tp: { kind: "tp_btf", event: "beat" }, hearts: { kind: "iter", target: "task" } },
          limits: "sees no stillness",
        },
      ],
    },
  },
  streams: { beats: { map: "beats", codec: beat } },
  capabilities: [],
  setup(context) {
    let count = 0;
    context.ring("beats").on((record) => {
      count += beat.count(record) * context.config.step;
      context.count("aggregated");
    });
    return {
      async flush(time) {
        const live = context.hasProgram("hearts") ? await context.iterator("hearts").read(8, () => {}) : 0;
        context.count("observed");
        context.emit(beats.point(time, {}, { count, live }));
        count = 0;
      },
    };
  },
});

export const openRequest = (overrides: Partial<OpenRequest> = {}): OpenRequest => ({
  plugin: toy.name,
  objects: {},
  probes: toy.probes,
  rodata: {},
  mapEntries: {},
  scope: {},
  log: silentLogger,
  ...overrides,
});

/** A handler that keeps what it is handed, read out. */
export function collect(): { readonly beats: { count: number; pid: number }[]; readonly handler: RecordHandler } {
  const beats: { count: number; pid: number }[] = [];
  return { beats, handler: (record) => void beats.push(beat.read(record)) };
}
