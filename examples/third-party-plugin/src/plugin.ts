// SPDX-License-Identifier: MIT

import { defineMeasurement, definePlugin, field, scopeProbes, tag } from "@skep/core";
import { z } from "zod";
import { execEvent } from "./codec.gen.js";

const measurement = defineMeasurement({
  name: "execs",
  category: "logging",
  description: "how often a user started a program in an interval",
  tags: { process_name: tag("name of the program, at most 15 bytes"), uid: tag("user id") },
  fields: { count: field("int", "1", "times it was started") },
});

/** `execs`: a whole plugin. One BPF object, one ring buffer, one measurement, aggregated per interval. */
export const execs = definePlugin({
  name: "execs",
  version: "0.1.0",
  description: "how often each program is started",
  config: z.strictObject({ ignore: z.array(z.string()).default([]).describe("names of programs not to count") }),
  measurements: [measurement],
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  objects: {
    execs: {
      x64: new URL("../dist/bpf/execs.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/execs.arm64.bpf.o", import.meta.url),
    },
  },
  probes: {
    execs: {
      observes: "successful execve calls",
      strategies: [{ name: "tp_btf", programs: { on_exec: { kind: "tp_btf", event: "sched_process_exec" } } }],
    },
    ...scopeProbes,
  },
  streams: { events: { map: "events", codec: execEvent } },

  setup(context) {
    const counts = new Map<string, { process_name: string; uid: string; count: number }>();
    const ignored = new Set(context.config.ignore);

    context.ring("events").on((record) => {
      const process_name = execEvent.comm(record);
      if (ignored.has(process_name)) return context.drop("ignored");
      const uid = String(execEvent.uid(record));
      const row = counts.get(`${uid} ${process_name}`);
      if (row === undefined) {
        counts.set(`${uid} ${process_name}`, { process_name, uid, count: 1 });
      } else {
        row.count++;
        context.count("aggregated");
      }
    });

    return {
      flush(time) {
        for (const { count, ...tags } of counts.values()) context.emit(measurement.point(time, tags, { count }));
        counts.clear();
      },
    };
  },
});
