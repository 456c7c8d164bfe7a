// SPDX-License-Identifier: MIT

import test from "ava";
import { EventFlag, OrderKind } from "../../../src/httpflow/contract.js";
import { Streamed } from "./support/streamed.js";

const { INCOMING, RESPONDED, UNFRAMED, MIDWAY, CONTINUED, LINE_CUT } = EventFlag;

const brief = ({ seen }: Streamed) => seen.map(({ method, target, status }) => `${method} ${target} ${status}`);
const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const ok = (body = "", status = 200): string =>
  `HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Both sides speak once. */
function spoken(request: string, response: string): Streamed {
  const streamed = new Streamed();
  streamed.request(request, 0);
  streamed.response(response, 0);
  return streamed;
}

test("interim responses come before the response and count as its bytes", (t) => {
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const streamed = spoken(get("/a"), interim + ok("x", 201));
  t.deepEqual(brief(streamed), ["GET /a 201"]);
  t.is(streamed.seen[0]!.responseBytes, (interim + ok("x", 201)).length);
});

test("latency is from the last byte of the request before the response to the first byte of the final response", (t) => {
  const streamed = new Streamed();
  streamed.request("POST /a HTTP/1.1\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n", 0); // at 2000 ns, one ns each
  streamed.response("HTTP/1.1 100 Continue\r\n\r\n", 0); // 2001
  streamed.request("abc", 61); // 2002
  streamed.request("def", 64); // 2003
  streamed.response("HTTP/1.1 2", 25); // 2004
  streamed.response("00 OK\r\nContent-Length: 0\r\n\r\n", 35);
  t.deepEqual(brief(streamed), ["POST /a 200"]);
  t.is(streamed.seen[0]!.latencyNs, 1);
});

test("an interim response is no part of the request's time", (t) => {
  const streamed = new Streamed();
  streamed.request("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 0); // at 2000 ns
  streamed.response("HTTP/1.1 102 Processing\r\n\r\n", 0);
  streamed.response("HTTP/1.1 102 Processing\r\n\r\n", 27);
  streamed.response(ok(), 54); // 2003
  t.is(streamed.seen[0]!.latencyNs, 3);
});

test("a response that comes before the request ends is the request's, and the exchange is over when both are", (t) => {
  const streamed = new Streamed();
  const head = "POST /early HTTP/1.1\r\nContent-Length: 10\r\n\r\n";
  streamed.request(`${head}12345`, 0);
  streamed.response(ok("", 413), 0);
  t.deepEqual(brief(streamed), []);
  t.false(streamed.connection.isAtRest);
  streamed.request("67890", head.length + 5);
  t.deepEqual(brief(streamed), ["POST /early 413"]);
  t.is(streamed.seen[0]!.requestBytes, head.length + 10);
  t.true(streamed.connection.isAtRest);
});

test("a response without framing ends with the connection", (t) => {
  const streamed = spoken(get("/old"), "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nsome");
  streamed.response(" more", 34);
  t.deepEqual(brief(streamed), []);
  streamed.close();
  t.deepEqual(brief(streamed), ["GET /old 200"]);
  t.is(streamed.seen[0]!.responseBytes, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nsome more".length);
});

test("an upgrade to another protocol ends the exchange, and the connection is looked at no more", (t) => {
  const streamed = spoken(
    get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\n"),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
  );
  t.deepEqual(brief(streamed), ["GET /ws 101"]);
  t.is(streamed.connection.outcome, "ignored");
  t.is(streamed.connection.order?.kind, OrderKind.IGNORE);
  t.is(streamed.budget.used, 0);
});

test("an upgrade that is refused changes nothing", (t) => {
  const streamed = spoken(get("/ws", "Upgrade: websocket\r\n"), ok("no"));
  t.deepEqual(brief(streamed), ["GET /ws 200"]);
  t.true(streamed.connection.isAtRest);
});

test("a tunnel that is opened is another protocol, one that is refused is not", (t) => {
  const opened = spoken(
    "CONNECT h.test:443 HTTP/1.1\r\n\r\n",
    "HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01",
  );
  t.deepEqual(brief(opened), ["CONNECT h.test:443 200"]);
  t.is(opened.connection.outcome, "ignored");
  const refused = spoken("CONNECT h.test:443 HTTP/1.1\r\n\r\n", ok("no", 403));
  t.deepEqual(brief(refused), ["CONNECT h.test:443 403"]);
  t.is(refused.connection.outcome, undefined);
});

test("responses to HEAD and with status 204 and 304 have no body whatever their headers say", (t) => {
  const streamed = spoken(
    `HEAD /h HTTP/1.1\r\n\r\n${get("/1")}${get("/2")}${get("/3")}`,
    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" +
      "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n" +
      ok("x"),
  );
  t.deepEqual(brief(streamed), ["HEAD /h 200", "GET /1 204", "GET /2 304", "GET /3 200"]);
});

test("several equal lengths are one, different ones leave only the close to end the response", (t) => {
  const equal = spoken(get("/a"), "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok");
  t.deepEqual(brief(equal), ["GET /a 200"]);
  const different = spoken(get("/a"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!");
  t.deepEqual(brief(different), []);
  different.close();
  t.deepEqual(brief(different), ["GET /a 200"]);
});

test("bytes that are no HTTP are given up at once, and what was under way is counted as lost", (t) => {
  for (const [request, response] of [
    ["\x16\x03\x01\x02\x00\x01", ""],
    ["s".repeat(3000), ""],
    ["SSH-2.0-OpenSSH_9.2\r\n", ""],
    ["GET / HTTQ/1.1\r\n\r\n", ""],
    [get("/a"), "220 smtp.test ready\r\n"],
    [get("/a"), "HTTP/1.1 2x0 OK\r\n\r\n"],
    ["POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", ""],
  ] as const) {
    const streamed = new Streamed();
    streamed.request(request, 0);
    if (response !== "") streamed.response(response, 0);
    t.is(streamed.connection.outcome, "undecodable", JSON.stringify(request));
    t.is(streamed.connection.order?.kind, OrderKind.IGNORE);
    t.deepEqual(brief(streamed), []);
    t.is(streamed.lost, request.startsWith("GET /a") || request.startsWith("POST") ? 1 : 0, request);
  }
});

test("what a server says unasked waits for a request, and is nobody's when none comes", (t) => {
  const streamed = new Streamed();
  streamed.response("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", 0);
  t.false(streamed.connection.isAtRest);
  streamed.close();
  t.deepEqual(brief(streamed), []);
  t.is(streamed.lost, 0);
});

test("a head of 200 KiB is read to its end, and only what matters of it is kept", (t) => {
  const streamed = new Streamed();
  const cookies = `Cookie: ${"c".repeat(4000)}\r\n`.repeat(50);
  const request = `GET /${"p".repeat(9000)}?q HTTP/1.1\r\n${cookies}Content-Length: 2\r\n\r\nok`;
  for (let at = 0; at < request.length; at += 4000) streamed.request(request.slice(at, at + 4000), at);
  t.true(streamed.budget.used < 10_000, `${streamed.budget.used} bytes are kept`);
  streamed.response(ok(), 0);
  t.is(streamed.seen[0]!.target.length, 8704 - 4);
  t.is(streamed.seen[0]!.requestBytes, request.length);
});

// ---- taking over from the kernel ----

test("an exchange that is under way when the connection is handed over goes on where it stands", (t) => {
  const streamed = new Streamed(undefined, {
    line: "PUT /pending?x HTTP/1.0",
    flags: INCOMING,
    requestBytes: 100,
    requestLeft: 4,
    timeNs: 1000,
    durationNs: 900,
  });
  streamed.request("1234", 0); // at 2000
  streamed.response(ok("x", 201), 0); // at 2001
  const [exchange] = streamed.seen;
  t.like(exchange, {
    method: "PUT",
    target: "/pending?x",
    version: "1.0",
    status: 201,
    requestBytes: 104,
    latencyNs: 1,
  });
});

test("a response that is under way ends after the bytes the kernel still expects", (t) => {
  const streamed = new Streamed(undefined, {
    line: "GET /r HTTP/1.1",
    flags: INCOMING | RESPONDED | CONTINUED,
    status: 206,
    responseBytes: 50,
    responseLeft: 5,
    latencyNs: 77,
  });
  streamed.request(get("/next"), 0);
  streamed.response(`12345${ok()}`, 0);
  t.deepEqual(brief(streamed), ["GET /r 206", "GET /next 200"]);
  t.like(streamed.seen[0], { responseBytes: 55, latencyNs: 77, isTold: true });
});

const unframed = {
  line: "GET /r HTTP/1.1",
  flags: INCOMING | RESPONDED | UNFRAMED,
  status: 200,
  responseBytes: 50,
};

test("a response of unknown end ends where the response to the next request begins", (t) => {
  const streamed = new Streamed(undefined, unframed);
  streamed.response("abc", 0);
  streamed.request(get("/1") + get("/2"), 0);
  streamed.response("def", 3);
  streamed.response(`3\r\nghi\r\n0\r\n\r\n${ok()}`, 6);
  streamed.response(ok("", 404), 6 + 13 + ok().length);
  t.deepEqual(brief(streamed), ["GET /r 200", "GET /1 200", "GET /2 404"]);
  t.is(streamed.seen[0]!.responseBytes, 50 + 3 + 3 + 13);
  t.true(streamed.connection.isAtRest);
});

test("a response of unknown end is over when it looks like the last chunk, or the connection closes", (t) => {
  const chunked = new Streamed(undefined, unframed);
  chunked.response("3\r\nabc\r\n", 0);
  t.deepEqual(brief(chunked), []);
  chunked.response("0\r\n\r\n", 8);
  t.deepEqual(brief(chunked), ["GET /r 200"]);
  t.true(chunked.connection.isAtRest);
  const closed = new Streamed(undefined, unframed);
  closed.response("abc", 0);
  closed.close();
  t.deepEqual(brief(closed), ["GET /r 200"]);
});

test("a connection older than we are begins with the first request that is found", (t) => {
  const streamed = new Streamed(undefined, { flags: INCOMING | MIDWAY });
  const rest = "the rest of a body\r\n";
  streamed.request(rest, 0);
  streamed.response("and of a response", 0);
  streamed.request(get("/found"), rest.length);
  streamed.response(ok(), 17);
  t.deepEqual(brief(streamed), ["GET /found 200"]);
  t.true(streamed.connection.isAtRest);
});

test("where nothing is found in a megabyte nothing is looked for any more", (t) => {
  const streamed = new Streamed(undefined, { flags: INCOMING | MIDWAY });
  for (let at = 0; at <= 1024 * 1024; at += 4000) streamed.request("x".repeat(4000), at);
  t.is(streamed.connection.outcome, "undecodable");
});

test("a line that was cut before its version is taken for HTTP/1.1", (t) => {
  const streamed = new Streamed(undefined, { line: "GET /cut", flags: INCOMING | LINE_CUT });
  streamed.response(ok(), 0);
  t.like(streamed.seen[0], { target: "/cut", version: "1.1" });
});

// ---- orders ----

test("between two exchanges the kernel is told to take the connection back, with the numbers of the next bytes", (t) => {
  const streamed = new Streamed({ requests: 0xffff_fff0, responses: 5 });
  const half = get("/a").slice(0, 10);
  streamed.request(half, 0);
  t.is(streamed.connection.order, undefined);
  streamed.request(get("/a").slice(10), 10);
  t.is(streamed.connection.order, undefined, "its response is to come");
  streamed.response(ok("abc"), 0);
  t.deepEqual(streamed.connection.order, {
    kind: OrderKind.RESUME,
    readSeq: get("/a").length - 16,
    writtenSeq: 5 + ok("abc").length,
  });
});

test("of a long body only the length is wanted, and bytes that passed unseen are counted", (t) => {
  const streamed = new Streamed();
  streamed.request("PUT /long HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", 0);
  const head = 47;
  t.deepEqual(streamed.connection.order, { kind: OrderKind.SKIP, readSeq: head + 1_000_000, writtenSeq: 0 });
  streamed.request("", head, 600_000);
  streamed.request("", head + 700_000, 300_000);
  streamed.response(ok(), 0);
  t.deepEqual(brief(streamed), ["PUT /long 200"]);
  t.is(streamed.seen[0]!.requestBytes, head + 1_000_000);
});

test("a body until the close is skipped as far as numbers reach", (t) => {
  const streamed = spoken(get("/log"), "HTTP/1.1 200 OK\r\n\r\n");
  t.deepEqual(streamed.connection.order, {
    kind: OrderKind.SKIP,
    readSeq: get("/log").length,
    writtenSeq: 2 ** 30 + 19,
  });
});

// ---- holes ----

test("a hole in a body does not hold up what comes behind it, a hole in a head does", (t) => {
  const body = new Streamed();
  body.request(get("/a"), 0);
  const response = ok("x".repeat(5000));
  body.response(response.slice(0, 100), 0);
  body.response(response.slice(4000), 4000);
  t.deepEqual(brief(body), ["GET /a 200"]);
  t.is(body.seen[0]!.responseBytes, response.length);

  const head = new Streamed();
  head.request(get("/a"), 0);
  head.response(response.slice(20), 20);
  t.deepEqual(brief(head), []);
  head.response(response.slice(0, 30), 0);
  t.deepEqual(brief(head), ["GET /a 200"]);
});

test("a hole that nothing fills is waited for in vain only so long", (t) => {
  const streamed = new Streamed();
  streamed.request(get("/lost").slice(5), 5); // passes at 2000
  streamed.response(ok(), 0);
  streamed.connection.giveUpHoles(1999);
  streamed.request(get("/found"), get("/lost").length);
  t.deepEqual(brief(streamed), []);
  streamed.connection.giveUpHoles(2002);
  streamed.response(ok("", 404), ok().length);
  t.deepEqual(brief(streamed), ["GET /found 404"], "the response that came before belongs to another");
});

test("what waits behind a hole is bounded, and then the hole is given up", (t) => {
  const streamed = new Streamed();
  for (let at = 100; at < 600_000; at += 4000) {
    streamed.request("x".repeat(4000), at);
    t.true(streamed.budget.used <= 300_000, `${streamed.budget.used} bytes are kept`);
  }
});

test("a connection for whose bytes there is no room is given up", (t) => {
  const streamed = new Streamed(undefined, {}, 3000);
  streamed.request(`GET /${"x".repeat(2000)}`, 0);
  t.is(streamed.connection.outcome, undefined);
  streamed.request("x".repeat(2000), 2005);
  t.is(streamed.connection.outcome, "undecodable");
  t.is(streamed.budget.used, 0);
});

test("exchanges that go on are told with what is new each time, and counted the first time only", (t) => {
  const streamed = spoken(get("/sse"), "HTTP/1.1 200 OK\r\n\r\nabc");
  streamed.connection.tellProgress();
  streamed.response("defg", 22);
  streamed.connection.tellProgress();
  streamed.close();
  t.deepEqual(
    streamed.seen.map(({ isTold, requestBytes, responseBytes }) => [isTold, requestBytes, responseBytes]),
    [
      [false, get("/sse").length, 22],
      [true, 0, 4],
    ],
  );
});

test("a request that waits for its response is not told before it has one", (t) => {
  const streamed = new Streamed();
  streamed.request(get("/slow"), 0);
  streamed.connection.tellProgress();
  t.deepEqual(brief(streamed), []);
});
