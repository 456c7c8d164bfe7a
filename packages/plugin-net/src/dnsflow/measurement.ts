// SPDX-License-Identifier: MIT

import { defineMeasurement, field, optionalTag } from "@skep/core";
import { flowTags } from "../flow-tags.js";

// A query goes to the address that was asked; what NAT makes of it is netflow's to tell.
const { dst_nat_ip: _ip, dst_nat_port: _port, ...whoTalksWithWhom } = flowTags;

/** One point an interval for the like exchanges of one process with one peer. */
export const dnsflow = defineMeasurement({
  name: "dnsflow",
  category: "network",
  description: "DNS queries of a process to a server, or of a client to a server here, and their answers",
  tags: {
    ...whoTalksWithWhom,
    question_name: optionalTag(
      "name that was asked for; `*` beyond dnsflow_max_questions (with dnsflow_question_tags)",
    ),
    question_type: optionalTag("type that was asked for: `A`, `AAAA`, ... (with dnsflow_question_tags)"),
  },
  fields: {
    rcode: field("int", "1", "code of the answer: 0 NoError, 2 ServFail, 3 NXDomain, 5 Refused, ...; -1: none in 6 s"),
    count: field("int", "1", "exchanges; a query that is repeated until it is answered is one"),
    latency: field("int", "ns", "from query to answer, mean over the exchanges; 0 without answer"),
    latency_max: field("int", "ns", "the longest of them; 0 without answer"),
  },
});
