// SPDX-License-Identifier: MIT

import { z } from "zod";
import { l7Protocols } from "./l7net.js";

/** Keys of `[[inputs.ebpf]]` that belong to ebpf-net. */
export const netConfig = z.strictObject({
  ephemeral_port: z
    .number()
    .int()
    .max(65535)
    .default(0)
    .describe("client ports from this one on are reported as `*`; 0: every client port is"),
  ipv6_disabled: z.boolean().default(false).describe("leave IPv6 connections out"),
  loopback: z.boolean().default(false).describe("report connections over 127.0.0.0/8 and ::1 too"),
  max_connections: z
    .number()
    .int()
    .min(16)
    .max(4_194_304)
    .default(131_072)
    .describe("TCP sockets watched at once, about 130 bytes of kernel memory each; more are counted as lost"),
  max_udp_flows: z
    .number()
    .int()
    .min(16)
    .max(4_194_304)
    .default(65_536)
    .describe("UDP flows counted between two readings a second apart, about 300 bytes of kernel memory each"),
  l7net_enabled: z
    .array(z.enum(l7Protocols))
    .optional()
    .describe("what is looked into: `httpflow`, `httpflow-tls`; not set and nothing disabled: `httpflow`"),
  l7net_disabled: z
    .array(z.enum(l7Protocols))
    .optional()
    .describe("when l7net_enabled names nothing: everything but this is looked into"),
  httpflow_max_connections: z
    .number()
    .int()
    .min(16)
    .max(1_048_576)
    .default(16_384)
    .describe("HTTP connections followed at once, about 2 KiB of kernel memory each; more are counted as lost"),
  httpflow_max_path: z
    .number()
    .int()
    .min(16)
    .max(8192)
    .default(1024)
    .describe("bytes of a request's path that are kept; a point of a longer one says `truncated`"),
  httpflow_max_keys: z
    .number()
    .int()
    .min(64)
    .max(1_048_576)
    .default(65_536)
    .describe("points of httpflow an interval; what is more is counted under the path `*`, by method and status"),
  dnsflow_question_tags: z
    .boolean()
    .default(false)
    .describe("tell apart what is asked for: tags question_name and question_type, a point for each"),
  dnsflow_max_questions: z
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(1_000)
    .describe("names that question_name tells apart in an interval; what is more is `*`"),
  dnsflow_max_waiting: z
    .number()
    .int()
    .min(16)
    .max(1_048_576)
    .default(65_536)
    .describe("DNS queries that may wait for their answers at once; more are counted as lost"),
  dnsflow_max_keys: z
    .number()
    .int()
    .min(64)
    .max(1_048_576)
    .default(65_536)
    .describe("points of dnsflow an interval; what is more is counted as lost"),
});

export type NetConfig = z.infer<typeof netConfig>;
