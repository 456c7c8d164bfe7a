// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { holds } from "./support/holds.js";
import { type Heard, Listener } from "./support/listener.js";
import { recorded, recordings, SECRET } from "./support/recorded.js";

/** Times depend on how the bytes are cut. */
const timeless = ({ protocol, fields, requestAt, requestHeadEnd, requestEnd, responseAt, responseBytes }: Heard) => ({
  protocol,
  fields,
  requestAt,
  requestHeadEnd,
  requestEnd,
  responseAt,
  responseBytes,
});

for (const name of recordings) {
  const said = recorded(name);
  const whole = new Listener().hearAll(said);

  test(`${name}: no value of a statement is told`, (t) => {
    t.true(
      said.some(({ bytes }) => bytes.includes(SECRET)),
      "the recording has some",
    );
    t.true(whole.heard.length > 8);
    for (const { fields } of whole.heard) t.false(JSON.stringify(fields).includes("s3cr3t"), JSON.stringify(fields));
  });

  test(`${name}: calls are the same however their bytes are cut`, (t) => {
    const expected = whole.heard.map(timeless);
    holds(
      t,
      fc.property(fc.integer({ min: 6, max: 1500 }), (size) => {
        // The first bytes tell what this is, and clients send them in one piece.
        const cut = new Listener();
        const [first, ...rest] = said;
        cut.hear(first!);
        cut.hearAll(rest, size);
        assert.deepEqual(cut.heard.map(timeless), expected);
        assert.equal(cut.lost, 0);
      }),
      { numRuns: 30 },
    );
  });

  test(`${name}: offsets say where requests and responses are, and calls are heard of before they are told`, (t) => {
    const size = (isClient: boolean): number =>
      said.reduce((sum, { isClient: own, bytes }) => sum + (own === isClient ? bytes.length : 0), 0);
    let [requests, responses] = [0, 0];
    for (const heard of whole.heard) {
      t.true(heard.requestAt >= requests && heard.requestEnd > heard.requestAt && heard.requestEnd <= size(true));
      t.is(heard.requestBytes, heard.requestEnd - heard.requestAt);
      t.is(heard.requestHeadEnd, heard.requestEnd);
      requests = heard.requestEnd;
      if (heard.responseAt < 0) continue;
      // A confirmation, and what is delivered meanwhile, may come between an AMQP request and its answer.
      if (heard.protocol !== "amqp") t.true(heard.responseAt >= responses);
      t.true(heard.responseAt + heard.responseBytes <= size(false));
      t.true(heard.respondedNs >= heard.askedNs);
      responses = heard.responseAt + heard.responseBytes;
    }
    t.is(whole.asked.length, whole.heard.length);
  });

  test(`${name}: joined at any request, what is told was said`, (t) => {
    const known = new Set(whole.resources);
    const starts = said.flatMap(({ isClient }, index) => (isClient && index > 0 ? [index] : []));
    for (const start of starts) {
      const midway = new Listener({ isMidway: true }).hearAll(said.slice(start));
      for (const resource of midway.resources) {
        t.true(known.has(resource) || resource === "EXECUTE", `${resource} at ${start}`);
      }
      t.false(midway.heard.some(({ fields }) => JSON.stringify(fields).includes("s3cr3t")));
    }
    const second = new Listener({ isMidway: true }).hearAll(said.slice(Math.floor(said.length / 3)));
    t.true(second.heard.length > 2, `${second.heard.length} calls`);
  });

  test(`${name}: nothing is kept of a connection that is closed`, (t) => {
    const listener = new Listener().hearAll(said.slice(0, -3));
    listener.conversation.close();
    t.is(listener.budget.used, 0);
  });
}

const fieldsOf = (name: string, resource: string) =>
  new Listener()
    .hearAll(recorded(name))
    .heard.filter(({ fields }) => fields.resource === resource)
    .map(({ fields }) => fields);

test("PostgreSQL: the SQLSTATE says how a statement failed, and rows how many it changed", (t) => {
  t.like(fieldsOf("postgresql-psql", "insert into t values (?)"), {
    0: {
      status: "ok",
      pgsql_affected_row: 2,
      pgsql_request_type: "Q",
      pgsql_response_type: "C",
      resource_type: "insert",
    },
    1: {
      status: "error",
      status_mode: "ClientError",
      pgsql_status_code: "23505",
      pgsql_err_msg: "unique_violation",
      pgsql_msg: 'duplicate key value violates unique constraint "?"',
    },
  });
  t.like(fieldsOf("postgresql-psql", "select * from nowhere where a=?")[0], { status_mode: "NotExistError" });
  t.like(fieldsOf("postgresql-psql", "select * from t where name = ? and id in (?)")[0], {
    pgsql_comment: "from: test",
  });
});

test("PostgreSQL: of a statement that is no SQL only the first word is told", (t) => {
  t.like(fieldsOf("postgresql-psql", "update")[0], { pgsql_status_code: "42601", resource_type: "update" });
});

test("PostgreSQL: a prepared statement is told by its text when it is executed", (t) => {
  const [prepared, executed] = fieldsOf("postgresql-node", "select name from t where id = ?");
  t.is(prepared?.pgsql_request_type, "P");
  t.is(executed?.pgsql_request_type, "B");
});

test("MySQL: an error has its number and no value, a prepared statement its text", (t) => {
  t.like(fieldsOf("mysql-mariadb-cli", "insert into t values (?)")[1], {
    operation: "MySQL",
    status: "error",
    status_code: 255,
    err_code: 1062,
    err_msg: "Duplicate entry '?'",
  });
  t.like(fieldsOf("mysql-mariadb-cli", "select * from nowhere where a=?")[0], { err_msg: "Table '?' doesn't exist" });
  t.like(fieldsOf("mysql-mariadb-cli", "select * from t where name=?")[0], { mysql_comment: "from: test" });
  t.is(fieldsOf("mysql-node", "select name from t where id=?").length, 3, "prepared once, executed twice");
  t.is(fieldsOf("mysql-mariadb-node", "select ?").length, 3, "pipelined");
  t.is(fieldsOf("mysql-node", "select ?; select ?; update t set name=?").length, 1, "three results");
});

test("Redis: keys stay, values and secrets go, answers are known by their kind", (t) => {
  t.deepEqual(fieldsOf("redis-ioredis", "SET user:1 ?"), [
    {
      operation: "Redis CMD",
      resource: "SET user:1 ?",
      resource_type: "SET",
      status: "ok",
      status_code: 200,
      status_msg: "+OK",
    },
  ]);
  t.like(fieldsOf("redis-ioredis", "LPUSH user:1 ?")[0], {
    status: "error",
    status_code: 201,
    err_msg: "-WRONGTYPE Operation against a key holding the wrong kind of value",
  });
  t.is(fieldsOf("redis-ioredis", "INCR n").length, 5, "pipelined");
  t.is(fieldsOf("redis-ioredis", "MSET a ? b ?").length, 1);
  t.is(fieldsOf("redis-resp3", "AUTH ?").length, 1);
});

test("AMQP: methods have their answers, queues and exchanges; a message is one call, confirmed or not", (t) => {
  t.deepEqual(fieldsOf("amqp-node", "queue.bind"), [
    {
      operation: "AMQP",
      resource: "queue.bind",
      resource_type: "queue.bind",
      amqp_class: "queue",
      amqp_queue: "work",
      amqp_exchange: "orders",
      amqp_routing_key: "new.#",
      amqp_vhost: "/",
      amqp_resp_method: "queue.bind-ok",
      status: "ok",
    },
  ]);
  const [unconfirmed, confirmed] = fieldsOf("amqp-node", "basic.publish");
  t.is(unconfirmed?.status, undefined);
  t.like(confirmed, { status: "ok", amqp_resp_method: "basic.ack" });
  t.like(fieldsOf("amqp-node", "queue.declare")[1], {
    status: "error",
    err_code: 404,
    amqp_resp_method: "channel.close",
  });
});
