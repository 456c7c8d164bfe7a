// SPDX-License-Identifier: MIT

import test from "ava";
import { Exchange } from "@skep/protocols";
import { protocolOf, spanFields } from "../../../src/protocols/index.js";

function exchange(status: number, version = "1.1", target = "/a/b?token=secret"): Exchange {
  const one = new Exchange({ method: "POST", target, isTargetCut: false, version }, 1);
  if (status > 0) one.respond(status, 2, 3, 0);
  return one;
}

function grpc(status: string, message = ""): Exchange {
  const one = exchange(200, "2", "/pkg.Service/Method");
  one.contentType = "application/grpc+proto";
  one.grpcStatus = status;
  one.grpcMessage = message;
  return one;
}

test("HTTP: method and path without query, version, and the status as text", (t) => {
  t.deepEqual(spanFields(exchange(404)), {
    operation: "HTTP",
    resource: "POST /a/b",
    http_method: "POST",
    http_route: "/a/b",
    http_version: "1.1",
    http_status_code: "404",
    status: "warning",
  });
  t.deepEqual(
    [200, 304, 399, 400, 499, 500, 599].map((status) => spanFields(exchange(status)).status),
    ["ok", "ok", "ok", "warning", "warning", "error", "error"],
  );
});

test("HTTP: without response there is no status", (t) => {
  const fields = spanFields(exchange(0));
  t.false("status" in fields || "http_status_code" in fields);
});

test("HTTP/2 has no version among its fields", (t) => {
  const fields = spanFields(exchange(200, "2"));
  t.like(fields, { operation: "HTTP2", resource: "POST /a/b", status: "ok" });
  t.false("http_version" in fields);
  t.is(protocolOf(exchange(200, "2")), "http2");
});

test("gRPC: the status of the call decides, not that of HTTP, and the message is decoded", (t) => {
  t.like(spanFields(grpc("0")), { operation: "gRPC", grpc_status_code: "0", http_status_code: "200", status: "ok" });
  t.like(spanFields(grpc("13", "it failed%3A %E2%82%AC")), {
    status: "error",
    grpc_status_code: "13",
    grpc_message: "it failed: €",
  });
  t.is(spanFields(grpc("5", "100%")).grpc_message, "100%", "what is badly encoded stays as it is");
  t.is(spanFields(grpc("5")).status, "warning", "not found");
  t.is(protocolOf(grpc("5")), "grpc");
});
