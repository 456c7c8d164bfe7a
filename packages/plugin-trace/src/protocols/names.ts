// SPDX-License-Identifier: MIT

/** Names of protocols as `trace_protos` and `trace_protos_blacklist` say them. */
export const protocolNames = [
  "http",
  "http2",
  "grpc",
  "mysql",
  "postgresql",
  "redis",
  "amqp",
  "kafka",
  "mongodb",
] as const;
export type ProtocolName = (typeof protocolNames)[number];
