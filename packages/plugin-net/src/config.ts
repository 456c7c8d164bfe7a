// SPDX-License-Identifier: MIT

import { z } from "zod";

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
});

export type NetConfig = z.infer<typeof netConfig>;
