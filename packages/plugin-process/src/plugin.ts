// SPDX-License-Identifier: MIT

import { definePlugin, MappedFiles, type ProbeGroup, ProcessTable, scopeProbes } from "@skep/core";
import { z } from "zod";
import { processEvent } from "./codec.gen.js";

/** enum process_event_kind of bpf/process.h. */
const Kind = { FORK: 1, EXEC: 2, EXIT: 3 } as const;

const probes = {
  lifecycle: {
    observes: "forks, execs and exits of processes",
    strategies: [
      {
        name: "tp_btf",
        programs: {
          process_fork: { kind: "tp_btf", event: "sched_process_fork" },
          process_exec: { kind: "tp_btf", event: "sched_process_exec" },
          process_exit: { kind: "tp_btf", event: "sched_process_exit" },
        },
      },
    ],
  },
  ...scopeProbes,
} as const satisfies Record<string, ProbeGroup>;

/**
 * `ebpf-process`: tells core's ProcessTable of every fork, exec and exit, so that processes which live shorter than a
 * look into /proc have names too, and a pid that is used again is told from its predecessor. Emits no points.
 */
export const processes = definePlugin({
  name: "ebpf-process",
  version: "0.1.0",
  description: "keeps the process table current from fork, exec and exit",
  config: z.strictObject({}),
  measurements: [],
  capabilities: ["CAP_BPF", "CAP_PERFMON"],
  objects: {
    process: {
      x64: new URL("../dist/bpf/process.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/process.arm64.bpf.o", import.meta.url),
    },
  },
  probes,
  streams: { events: { map: "events", codec: processEvent, urgent: true } },
  // MappedFiles hears of processes through the table: plugins that use either see better with this one.
  uses: [ProcessTable, MappedFiles],

  setup(context) {
    const table = context.use(ProcessTable);
    context.ring("events").on((record) => {
      const pid = processEvent.tgid(record);
      const timeNs = processEvent.timeNsBig(record);
      const kind = processEvent.kind(record);
      if (kind === Kind.FORK) table.apply({ kind: "fork", pid, ppid: processEvent.parentTgid(record), timeNs });
      else if (kind === Kind.EXIT) table.apply({ kind: "exit", pid, timeNs, name: processEvent.comm(record) });
      else if (kind === Kind.EXEC)
        table.apply({ kind: "exec", pid, timeNs, name: processEvent.comm(record), uid: processEvent.uid(record) });
      else return context.drop("unknown_kind");
      // The service took it: it lives on in the table.
      context.count("aggregated");
    });
    return {};
  },
});
