// SPDX-License-Identifier: MIT

import test from "ava";
import { Listener } from "./support/listener.js";
import { kafkaRequest, kafkaResponse, mongoMessage } from "./support/messages.js";

const client = (bytes: Buffer) => ({ isClient: true, bytes });
const server = (bytes: Buffer) => ({ isClient: false, bytes });
const kafka = (api: number, correlation: number, body?: Buffer) =>
  client(kafkaRequest({ api, version: 3, correlation, client: "app", ...(body && { body }) }));

test("Kafka: requests have their responses by number, also pipelined, and names", (t) => {
  const { heard, lost } = new Listener().hearAll([
    kafka(18, 1),
    server(kafkaResponse(1)),
    kafka(3, 2),
    kafka(1, 3),
    server(kafkaResponse(2, Buffer.alloc(5000))),
    server(kafkaResponse(3)),
  ]);
  t.deepEqual(
    heard.map(({ fields, responseBytes }) => [fields.resource, responseBytes]),
    [
      ["ApiVersions", 14],
      ["Metadata", 5008],
      ["Fetch", 14],
    ],
  );
  t.deepEqual(heard[0]!.fields, { operation: "Kafka", resource: "ApiVersions", resource_type: "ApiVersions" });
  t.is(lost, 0);
});

test("Kafka: what is not acknowledged has no response, and logging in is not told", (t) => {
  const { heard } = new Listener().hearAll([
    kafka(17, 1, Buffer.from("\0\x05PLAIN")),
    server(kafkaResponse(1)),
    kafka(36, 2, Buffer.from("s3cr3t-value")),
    server(kafkaResponse(2)),
    kafka(0, 3, Buffer.alloc(2000)),
    kafka(3, 4),
    server(kafkaResponse(4)),
  ]);
  t.deepEqual(
    heard.map(({ fields, responseAt }) => [fields.resource, responseAt >= 0]),
    [
      ["Produce", false],
      ["Metadata", true],
    ],
  );
});

const SECRET = "s3cr3t-value";
const mongo = (id: number, document: Parameters<typeof mongoMessage>[0]["document"], flags = 0) =>
  client(mongoMessage({ id, document: { ...document, $db: "shop" }, flags }));
const replies = (respondsTo: number, document: Parameters<typeof mongoMessage>[0]["document"]) =>
  server(mongoMessage({ id: 100 + respondsTo, respondsTo, document }));

test("MongoDB: commands have their collection and the shape of what is asked, without its values", (t) => {
  const { heard } = new Listener().hearAll([
    mongo(1, {
      find: "orders",
      filter: { "user.name": SECRET, total: { $gt: 5.5 }, $or: [{ a: 1 }, { b: null }] },
      limit: 10,
      lsid: { id: SECRET },
    }),
    replies(1, { cursor: { firstBatch: [{ name: SECRET }], id: 0, ns: "shop.orders" }, ok: 1 }),
    mongo(2, { insert: "orders", documents: [{ name: SECRET, a: { b: 1 } }], ordered: true }),
    replies(2, { n: 1, ok: 1 }),
    mongo(3, { aggregate: "orders", pipeline: [{ $match: { name: SECRET } }, { $group: { _id: "$x" } }], cursor: {} }),
    replies(3, { ok: 0, errmsg: `bad value "${SECRET}"`, code: 2, codeName: "BadValue" }),
  ]);
  t.deepEqual(
    heard.map(({ fields }) => fields),
    [
      {
        operation: "MongoDB",
        resource: 'find shop.orders {"filter":{"user.name":"?","total":{"$gt":"?"},"$or":[{"a":"?"}]},"limit":"?"}',
        resource_type: "find",
        status: "ok",
      },
      {
        operation: "MongoDB",
        resource: 'insert shop.orders {"documents":"?","ordered":"?"}',
        resource_type: "insert",
        status: "ok",
      },
      {
        operation: "MongoDB",
        resource: 'aggregate shop.orders {"pipeline":[{"$match":{"name":"?"}}],"cursor":{}}',
        resource_type: "aggregate",
        status: "error",
        err_code: 2,
        err_msg: 'bad value "?"',
      },
    ],
  );
});

test("MongoDB: replies come in any order, some requests have none, and logging in is not told", (t) => {
  const { heard } = new Listener().hearAll([
    mongo(1, { hello: 1 }),
    replies(1, { ok: 1 }),
    mongo(2, { saslStart: 1, payload: SECRET }),
    replies(2, { ok: 1 }),
    mongo(3, { ping: 1 }),
    mongo(4, { count: "c" }),
    mongo(5, { insert: "c", documents: [] }, 2),
    replies(4, { n: 5, ok: 1 }),
    replies(3, { ok: 1 }),
    replies(99, { ok: 1 }),
  ]);
  t.deepEqual(
    heard.map(({ fields, responseAt }) => [fields.resource_type, responseAt >= 0]),
    [
      ["insert", false],
      ["count", true],
      ["ping", true],
    ],
  );
  t.false(JSON.stringify(heard).includes("s3cr3t"));
});
