// SPDX-License-Identifier: MIT

import { defineSection, duration, size } from "@skep/core";
import { z } from "zod";

const address = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/i;

const schema = z.strictObject({
  listen: z
    .string()
    .regex(address, 'write host:port, such as "0.0.0.0:9529" or "[::]:9529"')
    .default("127.0.0.1:9529")
    .describe("address where agents reach the linker; those of other hosts need one that is not loopback"),
  listen_grpc: z
    .string()
    .refine((text) => text === "" || address.test(text), 'write host:port, such as "0.0.0.0:4317"')
    .default("")
    .meta({ description: "address for OTLP over gRPC; nothing: none", examples: ["0.0.0.0:4317"] }),
  db_path: z
    .string()
    .min(1)
    .default("/var/lib/skep/ebpf_spandb")
    .describe("directory where spans wait, so that nothing that was acknowledged is lost; made when it is not there"),
  db_sync: z
    .boolean()
    .default(false)
    .describe("acknowledge spans only when the disk has them: nothing is lost when the machine loses power either"),
  in_memory: z.boolean().default(false).describe("keep spans in memory alone; a restart forgets those that wait"),
  window: duration().default(20_000).meta({
    description: "a span waits two windows for its neighbours: requests that take up to two windows are linked",
    default: "20s",
  }),
  use_app_trace_id: z
    .boolean()
    .default(true)
    .describe("a trace of the application's own (traceparent and the like) goes before what was observed"),
  sampling_rate: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("share of the traces to keep that no application has decided about, 0 to 1"),
  link_through_nat: z
    .boolean()
    .default(false)
    .describe("link ends that agree on both sequence numbers but on one address only, as source NAT leaves them"),
  max_spans: z
    .number()
    .int()
    .min(1_000)
    .max(2 ** 28)
    .default(2_000_000)
    .describe("most spans in the window; agents are told to come again when it is full"),
  max_span_bytes: size()
    .default(2 * 2 ** 30)
    .meta({ description: "most bytes of spans in the window", default: "2GiB" }),
});

/** Keys of `[[inputs.ebpftrace]]`; variables are `ENV_INPUT_EBPFTRACE_<KEY>`. */
export const linkerSection = defineSection({
  name: "ebpftrace",
  description: "spans of any number of agents become traces",
  config: schema,
});

export type LinkerConfig = z.output<typeof schema>;

/** The parts of `listen` or `listen_grpc`; undefined for nothing. */
export function addressParts(listen: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name, port] = address.exec(listen) ?? [];
  return port === undefined ? undefined : { host: six ?? name ?? "", port: Number(port) };
}
