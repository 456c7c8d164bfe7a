// SPDX-License-Identifier: MIT

import { defineSection } from "@skep/core";
import { z } from "zod";
import { isAddress } from "./address.js";

const address = () =>
  z
    .string()
    .refine((text) => text === "" || isAddress(text), 'is no address such as "127.0.0.1:9529" or an http(s) URL');

const schema = z.strictObject({
  datakit_apiserver: address()
    .default("")
    .meta({
      description: "DataKit server that points go to: host:port or URL, whose password is never logged; nothing: none",
      examples: ["127.0.0.1:9529"],
    }),
  trace_server: address()
    .default("")
    .meta({
      description:
        "DataKit server that spans go to, one for all hosts (its input `ebpftrace`); nothing: spans go nowhere",
      examples: ["127.0.0.1:9529"],
    }),
  datakit_encoding: z
    .enum(["protobuf", "line"])
    .default("protobuf")
    .describe("how points are written: `protobuf`, or `line` for line protocol"),
  datakit_gzip: z.boolean().default(false).describe("compress what is sent"),
});

/** Keys of the configuration that belong to this exporter. */
export const datakitSection = defineSection({
  name: "datakit",
  description: "points to a DataKit server",
  config: schema,
});

export type DatakitConfig = z.output<typeof schema>;
