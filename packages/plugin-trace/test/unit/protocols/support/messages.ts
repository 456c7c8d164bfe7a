// SPDX-License-Identifier: MIT

/** Where there was no server to record: messages as their specifications write them. */

interface KafkaRequest {
  readonly api: number;
  readonly version: number;
  readonly correlation: number;
  readonly client: string;
  readonly body?: Buffer;
}

/** A request of Kafka with header version 1 or 2. */
export function kafkaRequest({ api, version, correlation, client, body = Buffer.alloc(4) }: KafkaRequest): Buffer {
  const head = Buffer.alloc(14);
  head.writeInt16BE(api, 4);
  head.writeInt16BE(version, 6);
  head.writeInt32BE(correlation, 8);
  head.writeInt16BE(client.length, 12);
  return sized(Buffer.concat([head, Buffer.from(client), body]));
}

/** Its response. */
export function kafkaResponse(correlation: number, body = Buffer.alloc(6)): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(correlation, 4);
  return sized(Buffer.concat([head, body]));
}

function sized(message: Buffer): Buffer {
  message.writeInt32BE(message.length - 4, 0);
  return message;
}

type Value = number | string | boolean | null | Value[] | { readonly [key: string]: Value };

interface MongoMessage {
  readonly id: number;
  readonly respondsTo?: number;
  readonly flags?: number;
  readonly document: { readonly [key: string]: Value };
}

/** OP_MSG with one document. */
export function mongoMessage({ id, respondsTo = 0, flags = 0, document }: MongoMessage): Buffer {
  const head = Buffer.alloc(21);
  head.writeInt32LE(id, 4);
  head.writeInt32LE(respondsTo, 8);
  head.writeInt32LE(2013, 12);
  head.writeUInt32LE(flags, 16);
  const message = Buffer.concat([head, bson(document)]);
  message.writeInt32LE(message.length, 0);
  return message;
}

/** https://bsonspec.org/spec.html */
export function bson(document: { readonly [key: string]: Value } | Value[]): Buffer {
  const elements = Object.entries(document).map(([key, value]) => {
    const [type, bytes] = element(value as Value);
    return Buffer.concat([Buffer.of(type), Buffer.from(`${key}\0`), bytes]);
  });
  const body = Buffer.concat([Buffer.alloc(4), ...elements, Buffer.alloc(1)]);
  body.writeInt32LE(body.length, 0);
  return body;
}

function element(value: Value): [number, Buffer] {
  if (value === null) return [10, Buffer.alloc(0)];
  if (typeof value === "boolean") return [8, Buffer.of(value ? 1 : 0)];
  if (Array.isArray(value)) return [4, bson(value)];
  if (typeof value === "object") return [3, bson(value)];
  if (typeof value === "string") {
    const text = Buffer.from(`${value}\0`);
    const length = Buffer.alloc(4);
    length.writeInt32LE(text.length);
    return [2, Buffer.concat([length, text])];
  }
  const number = Buffer.alloc(Number.isInteger(value) ? 4 : 8);
  if (Number.isInteger(value)) number.writeInt32LE(value);
  else number.writeDoubleLE(value);
  return [Number.isInteger(value) ? 16 : 1, number];
}
