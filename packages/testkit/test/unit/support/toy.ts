// SPDX-License-Identifier: MIT
// A plugin with a really compiled object, whose every part a test can replace by a worse one.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findTools, generateCodec, includeDirectory } from "@skep/bpf-toolchain";
import {
  type Codec,
  type Cursor,
  defineMeasurement,
  definePlugin,
  field,
  internString,
  type Plugin,
  readObjectBtf,
  tag,
} from "@skep/core";
import { z } from "zod";

const folder = mkdtempSync(join(tmpdir(), "skep-toy-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const file = join(folder, "toy.bpf.o");
const source = fileURLToPath(new URL("./toy.bpf.c", import.meta.url));
const { clang } = await findTools();
execFileSync(clang, ["-g", "-O2", "-target", "bpf", "-Wall", "-I", includeDirectory, "-c", source, "-o", file]);

export const toyObject = new Uint8Array(readFileSync(file));
const layout = readObjectBtf(toyObject).struct("beat")!;
const objectUrl = pathToFileURL(file);

export interface Beat {
  readonly count: number;
  readonly pid: number;
  readonly comm: string;
  readonly address: Uint8Array;
  readonly offset: number;
  readonly flags: number;
  readonly total: number;
  readonly ports: readonly number[];
}

/** What skep-bpf generates from toy.bpf.c, by hand; a test compares the layouts. */
export const beat = {
  layout,
  count: (c: Cursor) => c.u32[c.at >> 2]!,
  read: (c: Cursor): Beat => {
    const view = new DataView(c.bytes.buffer, c.bytes.byteOffset + c.at, c.length);
    return {
      count: beat.count(c),
      pid: view.getUint32(4, true),
      comm: internString(c, 8, 8),
      address: c.bytes.slice(c.at + 16, c.at + 20),
      offset: view.getInt16(20, true),
      flags: view.getUint8(22),
      total: Number(view.getBigUint64(24, true)),
      ports: [view.getUint16(32, true), view.getUint16(34, true)],
    };
  },
} satisfies Codec<Beat> & Record<string, unknown>;

export const generated = (): string =>
  generateCodec({ btf: readObjectBtf(toyObject), object: "toy", structs: ["beat"] });

const beats = defineMeasurement({
  name: "beats",
  category: "network",
  description: "heart beats",
  tags: { comm: tag("whose heart") },
  fields: { count: field("int", "1", "beats of the interval") },
});

export const toy: Plugin<{ step: number }> = definePlugin({
  name: "toy",
  version: "1.0.0",
  description: "counts beats",
  config: z.strictObject({ step: z.number().default(1) }),
  measurements: [beats],
  objects: { toy: { x64: objectUrl, arm64: objectUrl } },
  probes: {
    beats: {
      observes: "beats",
      strategies: [
        {
          name: "tp_btf",
          programs: { on_beat: { kind: "tp_btf", event: "sched_process_exit" } },
          rodata: { step: 1 },
        },
      ],
    },
  },
  streams: { beats: { map: "beats", codec: beat } },
  capabilities: ["CAP_BPF"],
  load: ({ step }) => ({ rodata: { step }, mapEntries: { beats: 8192 } }),
  setup(context) {
    const counts = new Map<string, number>();
    context.ring("beats").on((record) => {
      const { comm, count } = beat.read(record);
      if (counts.has(comm)) context.count("aggregated");
      counts.set(comm, (counts.get(comm) ?? 0) + count * context.config.step);
    });
    return {
      flush(time) {
        for (const [comm, count] of counts) context.emit(beats.point(time, { comm }, { count }));
        counts.clear();
      },
    };
  },
});
