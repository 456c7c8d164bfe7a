// SPDX-License-Identifier: MIT

import { PassThrough } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { tableExporter, type Point, type TableOptions } from "../../../src/index.js";
import { humanBytes, humanTime } from "../../../src/exporters/human-units.js";

const flow = (name: string, bytes: number, more: Record<string, string> = {}): Point => ({
  measurement: "netflow",
  category: "network",
  time: 1_700_000_000_000_000_000n,
  tags: {
    host: "bee",
    process_name: name,
    src_ip: "10.0.0.1",
    src_port: "*",
    dst_nat_ip: "N/A",
    dst_nat_port: "N/A",
    ...more,
  },
  fields: { bytes_read: bytes, bytes_written: 0, rtt: 1500 },
});

async function show(points: readonly Point[], options: TableOptions = {}): Promise<string> {
  const stream = new PassThrough();
  await tableExporter(stream, options).export(points, { signal: new AbortController().signal });
  return String(stream.read());
}

test("rows are sorted by bytes and told in human units", async (t) => {
  const text = await show([flow("small", 10), flow("large", 3_000_000), flow("middle", 2048)]);
  const order = ["large", "middle", "small"].map((name) => text.indexOf(name));
  t.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  t.true(order.every((at) => at > 0));
  for (const shown of ["2.9 MiB", "2.0 KiB", "10 B", "1.5 ms", "10.0.0.1:*", "2023-11-14T22:13:20.000Z"]) {
    t.true(text.includes(shown), `${shown} is not in\n${text}`);
  }
});

test("columns that say nothing are left out", async (t) => {
  const text = await show([flow("a", 1)]);
  for (const hidden of ["host", "dst_nat", "src_port", "bee"]) t.false(text.includes(hidden), hidden);
});

test("each measurement has its own table, and rows beyond the limit are counted", async (t) => {
  const other: Point = { ...flow("x", 1), measurement: "dnsflow", fields: { count: 3, latency_max: 2_500_000 } };
  const text = await show([flow("a", 1), other, flow("b", 2), flow("c", 3)], { rows: 2 });
  t.regex(text, /netflow[^]*and 1 more[^]*dnsflow[^]*2\.5 ms/);
});

test("a name cannot steer the terminal, and there are no colours unless asked for", async (t) => {
  const text = await show([flow("\x1b[2Jevil\n", 1)]);
  t.false(text.includes("\x1b"));
  t.true(text.includes("\\x1b[2Jevil\\x0a"));
  t.true((await show([flow("a", 1)], { colours: true })).includes("\x1b["));
});

test("bytes are told with one digit and never as 1024 of a unit", (t) => {
  for (const [bytes, text] of [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [1.5 * 2 ** 30, "1.5 GiB"],
  ] as const) {
    t.is(humanBytes(bytes), text);
  }
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (bytes) => t.true(Number.parseFloat(humanBytes(bytes)) < 1024)));
});

test("times are told in the unit people say them in", (t) => {
  t.is(humanTime(850, "us"), "850 µs");
  t.is(humanTime(1500, "us"), "1.5 ms");
  t.is(humanTime(999_999, "us"), "1 s");
  t.is(humanTime(12, "ns"), "12 ns");
  t.is(humanTime(5, "By"), undefined);
});
