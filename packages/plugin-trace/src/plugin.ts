// SPDX-License-Identifier: MIT

import { definePlugin, MappedFiles, NatTable, ProcessTable, spanMeasurement } from "@skep/core";
import { traceChunk, traceEvent, traceMark, traceOpen, traceOrder } from "./codec.gen.js";
import { traceConfig, type TraceConfig } from "./config.js";
import { traceProbes } from "./probes.js";
import { Tracer } from "./tracer.js";

/** `ebpf-trace`: a span for each request at each of its two ends, tied to the request it was made for. */
export const trace = definePlugin<TraceConfig>({
  name: "ebpf-trace",
  version: "0.1.0",
  description: "spans of requests, tied into traces across threads, goroutines and processes",
  config: traceConfig,
  measurements: [spanMeasurement],
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"],
  objects: {
    trace: {
      x64: new URL("../dist/bpf/trace.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/trace.arm64.bpf.o", import.meta.url),
    },
    go: {
      x64: new URL("../dist/bpf/go.x64.bpf.o", import.meta.url),
      arm64: new URL("../dist/bpf/go.arm64.bpf.o", import.meta.url),
    },
  },
  probes: traceProbes,
  streams: { events: { map: "trace_events", codec: traceEvent } },
  layouts: [traceOpen, traceChunk, traceMark, traceOrder],
  uses: [ProcessTable, MappedFiles],
  optionallyUses: [NatTable],

  load: ({ trace_max_connections }) => ({
    mapEntries: { trace_conns: trace_max_connections, trace_orders: trace_max_connections },
  }),

  setup: (context) => new Tracer(context),
});
