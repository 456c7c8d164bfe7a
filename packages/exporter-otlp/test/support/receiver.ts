// SPDX-License-Identifier: MIT
// A receiver of OTLP made of the official proto files alone.

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Server, ServerCredentials, status, type ServiceDefinition, type UntypedHandleCall } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const folder = fileURLToPath(new URL("../proto/", import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => `${folder}${target}`;
for (const signal of ["metrics", "logs", "trace"]) {
  root.loadSync(`opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`);
}

const kinds = {
  metrics: { package: "metrics", name: "Metrics" },
  logs: { package: "logs", name: "Logs" },
  traces: { package: "trace", name: "Trace" },
} as const;
type Kind = keyof typeof kinds;

const typeOf = (kind: Kind, what: "Request" | "Response") =>
  root.lookupType(`opentelemetry.proto.collector.${kinds[kind].package}.v1.Export${kinds[kind].name}Service${what}`);

/** A request as the proto files read it: 64-bit integers as text, enums by name, ids in hexadecimal. */
export type Message = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

const read = (kind: Kind, body: Uint8Array): Message =>
  typeOf(kind, "Request").toObject(typeOf(kind, "Request").decode(body), {
    longs: String,
    enums: String,
    arrays: false,
  });

export interface Received {
  readonly kind: Kind;
  readonly message: Message;
  readonly headers: IncomingHttpHeaders;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What the next requests are answered: HTTP status, or gRPC code. Then all is well. */
  readonly answers: number[];
  /** Headers of such answers. */
  answerHeaders: Record<string, string>;
  close(): void;
}

export async function httpReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: number[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const sent = Buffer.concat(parts);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
    const kind = request.url?.split("/").at(-1) as Kind;
    const answer = answers.shift();
    if (answer !== undefined) return void response.writeHead(answer, receiver.answerHeaders).end();
    const isJson = request.headers["content-type"] === "application/json";
    const message = isJson ? (JSON.parse(body.toString()) as Message) : read(kind, body);
    received.push({ kind, message, headers: request.headers });
    response.writeHead(200, { "content-type": request.headers["content-type"] ?? "" });
    response.end(isJson ? "{}" : typeOf(kind, "Response").encode({}).finish());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answers,
    answerHeaders: {},
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return receiver;
}

export async function grpcReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: number[] = [];
  const server = new Server();
  for (const kind of Object.keys(kinds) as Kind[]) {
    const { package: name, name: service } = kinds[kind];
    const definition: ServiceDefinition = {
      Export: {
        path: `/opentelemetry.proto.collector.${name}.v1.${service}Service/Export`,
        requestStream: false,
        responseStream: false,
        requestDeserialize: (body: Buffer) => read(kind, body),
        requestSerialize: () => Buffer.of(),
        responseSerialize: () => Buffer.from(typeOf(kind, "Response").encode({}).finish()),
        responseDeserialize: () => ({}),
      },
    };
    const handle: UntypedHandleCall = ((
      call: { request: Message; metadata: { getMap(): Record<string, string> } },
      callback: (error: { code: number; details: string } | null, answer?: object) => void,
    ) => {
      const answer = answers.shift();
      if (answer !== undefined) return callback({ code: answer, details: status[answer] ?? "" });
      received.push({ kind, message: call.request, headers: call.metadata.getMap() });
      callback(null, {});
    }) as never;
    server.addService(definition, { Export: handle });
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const close = () => server.forceShutdown();
  return { url: `http://127.0.0.1:${port}`, received, answers, answerHeaders: {}, close };
}

/** Attributes as an object; integers as numbers. */
export const attributesOf = (list: readonly Message[] = []): Record<string, unknown> =>
  Object.fromEntries(
    list.map(({ key, value }) => [
      key,
      value.intValue !== undefined
        ? Number(value.intValue)
        : (value.stringValue ?? value.boolValue ?? value.doubleValue),
    ]),
  );
