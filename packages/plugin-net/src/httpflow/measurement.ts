// SPDX-License-Identifier: MIT

import { defineMeasurement, field } from "@skep/core";
import { flowTags } from "../flow-tags.js";

/** One point an interval for the like exchanges of one process with one peer. */
export const httpflow = defineMeasurement({
  name: "httpflow",
  category: "network",
  description: "HTTP requests of a process to a peer, or of a peer to a process, and their responses",
  tags: flowTags,
  fields: {
    count: field("int", "1", "exchanges"),
    method: field("string", "1", "method of the request"),
    path: field(
      "string",
      "1",
      "path of the request, without query; `host:port` of a CONNECT; `*` when there were more than httpflow_max_keys",
    ),
    http_version: field("string", "1", "version the request was made in: `1.0`, `1.1`, `2`"),
    status_code: field("int", "1", "status of the response; 0 without response"),
    latency: field(
      "int",
      "ns",
      "time from the last byte of the request to the first byte of the response, mean over the exchanges with a response",
    ),
    bytes_read: field("int", "By", "bytes of heads and bodies the local end read: requests when it serves"),
    bytes_written: field("int", "By", "bytes of heads and bodies the local end wrote: responses when it serves"),
    truncated: field("bool", "1", "the path is longer than httpflow_max_path, or than what was captured, and was cut"),
  },
});
