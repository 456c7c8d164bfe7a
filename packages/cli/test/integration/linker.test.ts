// SPDX-License-Identifier: MIT

import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { Exporter, Point } from "@skep/core";
import test from "ava";
import { runCli } from "../../src/index.js";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const span = (direction: "incoming" | "outgoing"): string => {
  const [type, src, dst] = direction === "incoming" ? ["entry", 80, 9000] : ["exit", 9000, 80];
  const ends = `src_ip="127.0.0.1",src_port="${src}",dst_ip="127.0.0.1",dst_port="${dst}"`;
  const keys = `direction="${direction}",ebpf_span_type="${type}",req_seq=1i,resp_seq=2i,thread_trace_id=${src}i`;
  return `dketrace,service=s ${keys},${ends} 1\n`;
};

test("skep linker takes spans over HTTP and hands on the trace", async (t) => {
  const port = await freePort();
  const points: Point[] = [];
  const collected: Exporter = { name: "collected", export: (given) => void points.push(...given) };
  const options = ["--in-memory", "--window=200ms", "--duration=5s", "--log-level=error"];
  const ended = runCli(["linker", `--listen=127.0.0.1:${port}`, ...options], { exporters: [collected] });
  const body = span("incoming") + span("outgoing");
  const deadline = Date.now() + 4_000;
  let taken = false;
  while (!taken && Date.now() < deadline) {
    taken = await fetch(`http://127.0.0.1:${port}/v1/bpftracing`, { method: "POST", body }).then(
      ({ status }) => status === 200,
      () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 20)),
    );
  }
  t.is(await ended, 0);
  t.is(points.length, 2);
  t.is(new Set(points.map(({ fields }) => fields["trace_id"])).size, 1);
});

test("a linker that would send spans to a linker is refused, and an unknown key is named", async (t) => {
  t.is(await runCli(["linker", "--in-memory", "--trace-server=127.0.0.1:9529"]), 2);
  t.is(await runCli(["linker", "--in-memory", "--windw=20s"]), 2);
});
