// SPDX-License-Identifier: MIT
// Spans of two hosts, tied into one trace: `node index.mjs`. Neither root nor eBPF is needed: the spans are written here by hand.
import { lineProtocol, spanMeasurement } from "@skep/core";
import { Linker, serveLinker } from "@skep/linker";

const spans = [];
const linker = new Linker({ exporters: [{ name: "collect", export: (points) => void spans.push(...points) }] });
const server = await serveLinker(linker, { port: 0 });

/** What the agent of a host sees of one exchange at its end. */
function seen({ host, service, thread, direction, seq, own, peer, what }) {
  const type = direction === "incoming" ? "entry" : "exit";
  const [src_ip, src_port] = own.split(":");
  const [dst_ip, dst_port] = peer.split(":");
  return spanMeasurement.point(
    BigInt(Date.now()) * 1_000_000n,
    { service, host },
    {
      ...{
        service,
        source_type: "ebpf",
        ebpf_span_type: type,
        span_type: type,
        direction,
        req_seq: seq,
        resp_seq: seq + 7,
      },
      ...{
        thread_trace_id: thread,
        ktime: 1,
        start: Date.now() * 1000,
        duration: 900,
        pid: "1",
        process_name: service,
      },
      ...{
        thread_name: service,
        src_ip,
        src_port,
        dst_ip,
        dst_port,
        bytes_read: 120,
        bytes_written: 480,
        resource: what,
      },
    },
  );
}
const shop = { host: "a", service: "shop", thread: 1n };
const stock = { host: "b", service: "stock", thread: 1n };
const call = { seq: 3_405_691_582, what: "GET /stock/7" };

// Each agent sends what it saw, when it likes, in any order.
const agentOfB = [
  seen({ ...stock, direction: "incoming", ...call, own: "10.0.0.2:80", peer: "10.0.0.1:41000" }),
  seen({
    ...stock,
    direction: "outgoing",
    seq: 99,
    what: "SELECT ? FROM stock",
    own: "10.0.0.2:41001",
    peer: "10.0.0.3:5432",
  }),
];
const agentOfA = [
  seen({ ...shop, direction: "incoming", seq: 7, what: "GET /buy/7", own: "10.0.0.1:80", peer: "192.0.2.1:50000" }),
  seen({ ...shop, direction: "outgoing", ...call, own: "10.0.0.1:41000", peer: "10.0.0.2:80" }),
];
for (const points of [agentOfB, agentOfA]) {
  const body = points.map((point) => lineProtocol(point)).join("");
  await fetch(`http://127.0.0.1:${server.port}/v1/bpftracing`, { method: "POST", body });
}
await server.close();
await linker.close(); // links what waits, without waiting for the window to end

function print(parent, indent) {
  for (const { tags, fields } of spans.filter((span) => span.fields.parent_id === parent)) {
    console.log(`${indent}${tags.service} ${fields.direction} ${fields.resource}`);
    print(fields.span_id, `${indent}  `);
  }
}
console.log(`trace ${spans[0].fields.trace_id}`);
print("0", "  ");
