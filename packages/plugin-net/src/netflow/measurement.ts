// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalField } from "@skep/core";
import { flowTags } from "../flow-tags.js";

/** One point an interval for the connections of one process with one peer that differ only in client port. */
export const netflow = defineMeasurement({
  name: "netflow",
  category: "network",
  description: "TCP and UDP traffic of a process with a peer",
  tags: flowTags,
  fields: {
    bytes_read: field("int", "By", "bytes applications read in the interval"),
    bytes_written: field("int", "By", "bytes applications wrote in the interval"),
    retransmits: optionalField("int", "1", "segments sent again (TCP)"),
    rtt: optionalField("int", "us", "smoothed round trip time, mean over the connections (TCP)"),
    rtt_var: optionalField("int", "us", "mean deviation of the round trip time (TCP)"),
    tcp_established: optionalField("int", "1", "connections established in the interval"),
    tcp_closed: optionalField("int", "1", "connections closed in the interval"),
  },
});
