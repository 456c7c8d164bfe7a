// SPDX-License-Identifier: MIT

import { type Point, spanMeasurement, threadTraceId } from "@skep/core";
import type { PlacedCall } from "./topology.js";

/** Fields by which a call to a server says where in its tree it is, as that server's protocol has them. */
function telling({ server, place }: PlacedCall, id: number): Record<string, string> {
  const path = `/work/${id}/${place}`;
  switch (server) {
    case "postgres":
      return { operation: "PostgreSQL", resource: "SELECT ? + ?", pgsql_comment: path };
    case "mariadb":
      return { resource: "SELECT ? + ?", mysql_comment: path };
    case "redis":
      return { operation: "Redis CMD", resource: `GET ${path}` };
    case "rabbitmq":
      return { resource: "Publish", amqp_routing_key: path };
    default:
      return { operation: "HTTP", resource: `GET ${path}`, http_route: path };
  }
}

/** Both ends of every call of request `id`, as an agent that sees everything would give them. */
export function spansOfRequest(calls: readonly PlacedCall[], id: number): Point[] {
  const indexes = new Map(calls.map(({ place }, index) => [place, index]));
  // Calls of one request share the thread that works for it.
  const work = (place: string | undefined) =>
    threadTraceId({ bootId: "made up", pid: indexes.get(place ?? "") ?? 999, thread: id, ktime: BigInt(id) });
  return calls.flatMap((call, index) =>
    (["outgoing", "incoming"] as const).map((direction) => {
      const type = direction === "incoming" ? "entry" : "exit";
      const [own, peer] = direction === "incoming" ? [index, 200] : [200, index];
      const doer = direction === "incoming" ? call.place : call.parent;
      const service = doer ?? "user";
      return spanMeasurement.point(
        BigInt(id) * 1_000_000n,
        { service, host: "h" },
        {
          service,
          source_type: "ebpf",
          ebpf_span_type: type,
          span_type: type,
          direction,
          req_seq: id * 1_000 + index,
          resp_seq: id * 1_000 + index,
          thread_trace_id: work(doer),
          ktime: BigInt(id * 1_000 + index),
          start: id * 1_000,
          duration: 10,
          pid: String(100 + (indexes.get(service) ?? 99)),
          process_name: service,
          thread_name: service,
          src_ip: `198.18.60.${own}`,
          src_port: "8080",
          dst_ip: `198.18.60.${peer}`,
          dst_port: "8080",
          bytes_read: 1,
          bytes_written: 1,
          status: "ok",
          ...telling(call, id),
        },
      );
    }),
  );
}
