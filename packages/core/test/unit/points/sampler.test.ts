// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import type { Point } from "../../../src/index.js";
import { Sampler } from "../../../src/points/sampler.js";

const point = (tags: Record<string, string>, more: Partial<Point> = {}): Point => ({
  ...{ measurement: "netflow", category: "network" as const, time: 0n, fields: {} },
  ...more,
  tags,
});
const flow = (source: string, target: string, more: Partial<Point> = {}): Point =>
  point({ src_ip: source, src_port: "*", dst_ip: target, dst_port: "443" }, more);
const standing = () => 0;
const clients = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);

test("of many flows the share that was asked for is kept, though their names hardly differ", (t) => {
  for (const rate of [0.01, 0.1, 0.5, 0.9]) {
    const sampler = new Sampler({ rate }, standing);
    const kept = clients.filter((client) => sampler.keeps(flow(client, "192.0.2.1"))).length / clients.length;
    t.true(Math.abs(kept - rate) < 0.02, `${kept} instead of ${rate}`);
  }
});

test("without sampling everything is kept", (t) => {
  const sampler = new Sampler({}, standing);
  t.true(clients.every((client) => sampler.keeps(flow(client, "192.0.2.1"))));
});

test("a flow is never torn apart: its other end, its requests and later intervals share its lot", (t) => {
  const sampler = new Sampler({ rate: 0.5 }, standing);
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), fc.nat(65_535), (client, server, pid) => {
      const kept = sampler.keeps(flow(client, server));
      const otherEnd = point({ src_ip: server, src_port: "443", dst_ip: client, dst_port: "*", pid: String(pid) });
      t.is(sampler.keeps(otherEnd), kept);
      t.is(sampler.keeps(flow(client, server, { measurement: "httpflow", time: 99n, fields: { path: "/x" } })), kept);
    }),
  );
});

test("a smaller share keeps a part of what a larger one keeps", (t) => {
  const [half, tenth] = [new Sampler({ rate: 0.5 }, standing), new Sampler({ rate: 0.1 }, standing)];
  for (const client of clients) {
    const one = flow(client, "192.0.2.1");
    t.true(half.keeps(one) || !tenth.keeps(one));
  }
});

test("a trace and a shell are kept or left as wholes", (t) => {
  const sampler = new Sampler({ rate: 0.5 }, standing);
  for (let id = 0; id < 200; id++) {
    const span = (name: string) => point({ name }, { category: "tracing", fields: { trace_id: String(id) } });
    t.is(sampler.keeps(span("a")), sampler.keeps(span("b")));
    const command = (cmd: string) => point({}, { category: "logging", fields: { pid: String(id), cmd } });
    t.is(sampler.keeps(command("ls")), sampler.keeps(command("cd /")));
  }
});

test("points a minute: the share follows what the last minute had, by category, between 1 % and all", (t) => {
  let now = 0;
  const sampler = new Sampler({ pointsPerMinute: 1000 }, () => now);
  const keptOf = (points: number) =>
    clients.slice(0, points).filter((client) => sampler.keeps(flow(client, "192.0.2.1"))).length;
  t.is(keptOf(10_000), 10_000);
  now += 60_000;
  const kept = keptOf(20_000);
  t.true(Math.abs(kept - 2000) < 300, `${kept}`); // a tenth, because the minute before had ten times too many
  t.true(sampler.keeps(point({}, { category: "logging" }))); // another category is not concerned
  now += 60_000;
  t.true(Math.abs(keptOf(1000) - 50) < 40);
  now += 60_000;
  t.is(keptOf(1000), 1000);
  const flood = new Sampler({ pointsPerMinute: 1 }, () => now);
  for (const client of clients) flood.keeps(flow(client, "192.0.2.1"));
  now += 60_000;
  const trickle = clients.filter((client) => flood.keeps(flow(client, "192.0.2.1"))).length;
  t.true(Math.abs(trickle - 200) < 80, `${trickle}`);
});
