// SPDX-License-Identifier: MIT

import { Server, ServerCredentials, status, type ServiceDefinition, type sendUnaryData } from "@grpc/grpc-js";
import { messageOf, SkepError } from "@skep/core";
import type { Linker } from "../linker.js";
import { otlpAnswer, otlpSpans } from "./otlp.js";
import type { LinkerServer, ServeOptions } from "./server.js";

/** OTLP's trace service, with messages as they are on the wire. */
const traceService: ServiceDefinition = {
  Export: {
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: (body: Buffer) => body,
    requestDeserialize: (body: Buffer) => body,
    responseSerialize: (body: Buffer) => body,
    responseDeserialize: (body: Buffer) => body,
  },
};

/**
 * Receives spans over OTLP/gRPC. OK means that the spans are in the store; UNAVAILABLE, that none is and that sending them again can help.
 *
 * @param options the port is 4317 by default
 * @throws SkepError `SKEP_ERR_CONFIG` when the address cannot be used
 */
export async function serveGrpc(linker: Linker, options: ServeOptions = {}): Promise<LinkerServer> {
  const { host = "127.0.0.1", port = 4317, maxBody = 32 * 1024 * 1024 } = options;
  const server = new Server({ "grpc.max_receive_message_length": maxBody });
  server.addService(traceService, {
    Export: ({ request }: { readonly request: Buffer }, answer: sendUnaryData<Buffer>) => take(linker, request, answer),
  });
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, free) =>
      error ? reject(error) : resolve(free),
    );
  }).catch((cause: unknown) => {
    throw new SkepError("SKEP_ERR_CONFIG", `cannot listen on ${address}: ${messageOf(cause)}`, { cause });
  });
  return { host, port: bound, close: () => new Promise((resolve) => server.tryShutdown(() => resolve())) };
}

function take(linker: Linker, body: Buffer, answer: sendUnaryData<Buffer>): void {
  try {
    const { invalid } = linker.receive(otlpSpans(body, "protobuf"));
    answer(null, otlpAnswer(invalid, "protobuf"));
  } catch (error) {
    // Only the linker throws errors of Skep; anything else is a body that does not parse.
    const code = error instanceof SkepError ? status.UNAVAILABLE : status.INVALID_ARGUMENT;
    answer({ code, details: messageOf(error) });
  }
}
