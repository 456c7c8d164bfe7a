// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import http2 from "node:http2";
import test from "ava";
import fc from "fast-check";
import { EventFlag } from "../../../src/httpflow/contract.js";
import { holdsInTime } from "../support/holds.js";
import { cut } from "./support/conversation.js";
import type { Written } from "./support/captured.js";
import { type Http2Exchange, speakHttp2 } from "./support/http2-scene.js";
import { Streamed } from "./support/streamed.js";

const streamedHttp2 = (): Streamed => new Streamed({ requests: 7, responses: -9 }, { flags: PREFACE });
const PREFACE_BYTES = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PREFACE = EventFlag.INCOMING | EventFlag.PREFACE;

/** Lets everything pass as it was written. */
function passAll(streamed: Streamed, written: readonly Written[]): void {
  const at = [0, 0];
  for (const { isRequest, bytes } of written) {
    const side = isRequest ? 0 : 1;
    for (let from = 0; from < bytes.length; from += 4032) {
      const piece = bytes.subarray(from, from + 4032);
      streamed.pass({ isRequest, at: at[side]!, bytes: piece });
      at[side]! += piece.length;
    }
  }
}

const get = (path: string, status = 200): Http2Exchange => ({ method: "GET", path, status });

test("each stream of a real connection is an exchange, with its method, path, status and version", async (t) => {
  const exchanges: Http2Exchange[] = [
    get("/a?q=1"),
    { method: "POST", path: "/b", status: 201, body: Buffer.alloc(40_000, "x"), responseBody: Buffer.alloc(50_000) },
    { method: "HEAD", path: "/c", status: 404 },
    { method: "PUT", path: "/d", status: 204, body: Buffer.from("y") },
  ];
  const streamed = streamedHttp2();
  passAll(streamed, await speakHttp2(exchanges));
  const seen = [...streamed.seen].sort((a, b) => a.target.localeCompare(b.target));
  t.deepEqual(
    seen.map(({ method, target, status, version }) => ({ method, path: target, status, version })),
    exchanges.map(({ method, path, status }) => ({ method, path, status, version: "2" })),
  );
  t.true(seen[1]!.requestBytes > 40_000 && seen[1]!.requestBytes < 40_300, "body, frame heads and headers");
  t.true(seen[1]!.responseBytes > 50_000 && seen[1]!.responseBytes < 50_300);
  t.is(streamed.lost, 0);
});

test("gRPC's status is found in trailers, and in headers when there is no body", async (t) => {
  const grpc = { "content-type": "application/grpc" };
  const streamed = streamedHttp2();
  passAll(
    streamed,
    await speakHttp2([
      {
        method: "POST",
        path: "/svc/Method",
        status: 200,
        body: Buffer.alloc(5),
        headers: grpc,
        responseHeaders: grpc,
        responseBody: Buffer.alloc(20),
        trailers: { "grpc-status": "5", "grpc-message": "no" },
      },
      { method: "POST", path: "/svc/Other", status: 200, responseHeaders: { ...grpc, "grpc-status": "12" } },
    ]),
  );
  const statuses = streamed.seen.map(({ target, grpcStatus, contentType }) => [target, grpcStatus, contentType]);
  t.deepEqual(statuses.sort(), [
    ["/svc/Method", "5", "application/grpc"],
    ["/svc/Other", "12", "application/grpc"],
  ]);
});

test("an interim response is not the response", async (t) => {
  const streamed = streamedHttp2();
  passAll(streamed, await speakHttp2([{ ...get("/early", 200), interim: true }]));
  t.deepEqual(
    streamed.seen.map(({ status }) => status),
    [200],
  );
});

test("a stream that is reset without a response has status 0", async (t) => {
  const streamed = streamedHttp2();
  passAll(streamed, await speakHttp2([{ ...get("/reset"), isReset: true }, get("/fine")]));
  t.deepEqual(streamed.seen.map(({ target, status }) => `${target} ${status}`).sort(), ["/fine 200", "/reset 0"]);
});

test("headers that fill several frames are one block", async (t) => {
  const large = Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`x-large-${number}`, "é".repeat(500)]));
  const streamed = streamedHttp2();
  passAll(
    streamed,
    await speakHttp2([{ ...get("/large"), headers: large, responseHeaders: large }, get("/after")], {}),
  );
  t.deepEqual(streamed.seen.map(({ target, status }) => `${target} ${status}`).sort(), ["/after 200", "/large 200"]);
});

test("five hundred streams at once are five hundred exchanges", async (t) => {
  const exchanges = Array.from({ length: 500 }, (_, number) => get(`/many/${number}`, number % 3 ? 200 : 404));
  const streamed = streamedHttp2();
  passAll(streamed, await speakHttp2(exchanges));
  t.deepEqual(
    streamed.seen.map(({ target, status }) => `${target} ${status}`).sort(),
    exchanges.map(({ path, status }) => `${path} ${status}`).sort(),
  );
});

const exchange: fc.Arbitrary<Http2Exchange> = fc.record(
  {
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"),
    path: fc.stringMatching(/^\/[a-z0-9/?&=%~.-]{0,40}$/),
    status: fc.constantFrom(200, 201, 204, 302, 404, 500),
    headers: fc.dictionary(
      fc.stringMatching(/^x-[a-z]{1,8}$/),
      fc.stringMatching(/^[ -~]{0,60}$/).map((s) => s.trim()),
      {
        maxKeys: 5,
      },
    ),
    body: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
    responseBody: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    trailers: fc.constant({ "grpc-status": "0" }),
    interim: fc.boolean(),
  },
  { requiredKeys: ["method", "path", "status"] },
);

const options = fc.record(
  {
    headerTableSize: fc.constantFrom(0, 100, 4096, 65_536),
    paddingStrategy: fc.constantFrom(http2.constants.PADDING_STRATEGY_MAX, http2.constants.PADDING_STRATEGY_NONE),
  },
  { requiredKeys: [] },
);

test("what node:http2 writes, cut anywhere, in any order and twice, gives the same exchanges", async (t) => {
  await holdsInTime(
    t,
    fc.asyncProperty(
      fc.array(exchange, { minLength: 1, maxLength: 8 }),
      options,
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.infiniteStream(fc.nat(60)),
      async (exchanges, options, cuts, delays) => {
        const written = await speakHttp2(exchanges, options);
        const streamed = streamedHttp2();
        const at = [0, 0];
        const pieces = written.flatMap(({ isRequest, bytes }) => {
          const side = isRequest ? 0 : 1;
          const own = cut(bytes, isRequest, cuts).map((piece) => ({ ...piece, at: piece.at + at[side]! }));
          at[side]! += bytes.length;
          return own;
        });
        const twice = pieces.filter((_, index) => index % 3 === 0);
        const delayed = [...pieces, ...twice].map(
          (piece, index) => [index + (delays.next().value as number), piece] as const,
        );
        for (const [, piece] of delayed.sort(([a], [b]) => a - b)) streamed.pass(piece);
        streamed.close();
        const key = (one: { method: string; target: string; status: number }) =>
          `${one.method} ${one.target} ${one.status}`;
        assert.deepEqual(
          streamed.seen.map(key).sort(),
          exchanges.map(({ path, ...rest }) => key({ target: path, ...rest })).sort(),
        );
        assert.equal(streamed.lost, 0);
        assert.equal(streamed.budget.used, 0);
      },
    ),
    { numRuns: 100, includeErrorInReport: true },
  );
});

test("a hole in a body does not matter, one in headers ends what can be decoded and is counted", async (t) => {
  const body = Buffer.alloc(100_000, "b");
  const written = await speakHttp2([{ ...get("/holes"), responseBody: body }, get("/next")]);
  const response = Buffer.concat(written.filter(({ isRequest }) => !isRequest).map(({ bytes }) => bytes));
  const request = Buffer.concat(written.filter(({ isRequest }) => isRequest).map(({ bytes }) => bytes));
  const inBody = response.indexOf("bbbb") + 100;

  const tolerant = streamedHttp2();
  tolerant.request(request.subarray(0, 4000), 0);
  tolerant.response(response.subarray(0, inBody), 0);
  tolerant.response(response.subarray(inBody + 3000), inBody + 3000);
  tolerant.close();
  t.deepEqual(tolerant.seen.map(({ target, status }) => `${target} ${status}`).sort(), ["/holes 200", "/next 200"]);

  const broken = streamedHttp2();
  broken.request(request.subarray(0, 4000), 0);
  broken.response(response.subarray(20), 20);
  broken.close();
  t.is(broken.connection.outcome, "undecodable");
  t.deepEqual(broken.seen, []);
  t.is(broken.lost, 2);
});

test("a connection that does not begin as HTTP/2 must is none", (t) => {
  const streamed = streamedHttp2();
  streamed.request(PREFACE_BYTES.replace(/\n$/, "X"), 0);
  t.is(streamed.connection.outcome, "undecodable");
});

test("a client that asks for HTTP/2 in HTTP/1.1 gets its answer on stream 1, and goes on with others", (t) => {
  const upgrade =
    "POST /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n" +
    "Content-Length: 2\r\n\r\nhi";
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const headers = Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]); // :status 200, the end of stream 1
  const streamed = new Streamed();
  streamed.request(upgrade, 0);
  streamed.response(Buffer.concat([Buffer.from(switching), settings, headers]), 0);
  t.like(streamed.seen[0], {
    method: "POST",
    target: "/up",
    version: "1.1",
    status: 200,
    requestBytes: upgrade.length,
  });
  t.is(streamed.seen[0]!.responseBytes, switching.length + headers.length);
  const next = Buffer.from([0, 0, 3, 1, 5, 0, 0, 0, 3, 0x82, 0x84, 0x86]); // GET / on stream 3
  const answer = Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 3, 0x8d]); // 404
  streamed.request(Buffer.concat([Buffer.from(PREFACE_BYTES), settings, next]), upgrade.length);
  streamed.response(answer, switching.length + settings.length + headers.length);
  t.like(streamed.seen[1], { method: "GET", target: "/", version: "2", status: 404, requestBytes: next.length });
});

test("a client that speaks HTTP/2 where HTTP/1 was expected is understood", async (t) => {
  const streamed = new Streamed({ requests: 7, responses: -9 });
  passAll(streamed, await speakHttp2([get("/a"), get("/b", 404)]));
  t.deepEqual(streamed.seen.map(({ target, status }) => `${target} ${status}`).sort(), ["/a 200", "/b 404"]);
});

test("streams that go on are told with what is new, and counted once", async (t) => {
  const body = Buffer.alloc(10_000, "b");
  const written = await speakHttp2([{ ...get("/long"), responseBody: body }]);
  const response = Buffer.concat(written.filter(({ isRequest }) => !isRequest).map(({ bytes }) => bytes));
  const request = Buffer.concat(written.filter(({ isRequest }) => isRequest).map(({ bytes }) => bytes));
  const middle = response.indexOf("bbbb") + 5000;
  const streamed = streamedHttp2();
  streamed.request(request.subarray(0, 4000), 0);
  streamed.response(response.subarray(0, middle), 0);
  streamed.connection.tellProgress();
  streamed.response(response.subarray(middle), middle);
  streamed.close();
  t.deepEqual(
    streamed.seen.map(({ isTold, status }) => [isTold, status]),
    [
      [false, 200],
      [true, 200],
    ],
  );
  t.true(streamed.seen[1]!.responseBytes >= 5000);
});
