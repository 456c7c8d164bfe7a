// SPDX-License-Identifier: MIT
import test from "ava";
import { defineMeasurement, field, optionalField, tag } from "../../src/index.js";

test("a point leaves out optional values that are undefined", (t) => {
  const flow = defineMeasurement({
    name: "flow",
    category: "network",
    description: "bytes of a flow",
    tags: { transport: tag("tcp or udp") },
    fields: { bytes: field("int", "By", "payload"), rtt: optionalField("int", "us", "smoothed round trip time") },
  });
  t.deepEqual(flow.point(5n, { transport: "tcp" }, { bytes: 3, rtt: undefined }), {
    measurement: "flow",
    category: "network",
    time: 5n,
    tags: { transport: "tcp" },
    fields: { bytes: 3 },
  });
});
