// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { requestLineOf, splitRequestLine } from "@skep/protocols";
import { httpExchange } from "../../../src/http-codec.gen.js";
import { LineCache } from "../../../src/httpflow/line-cache.js";
import { RequestLines } from "../../../src/httpflow/request-lines.js";
import { holds } from "../support/holds.js";
import { exchangeBytes, recordOf } from "./support/http-records.js";

const lineOf = (line: string, cut = false, maxPath = 1024) => requestLineOf(splitRequestLine(line, cut), maxPath);

const cache = new LineCache();
/** One for all, as intervals have it. */
function emptied(): LineCache {
  cache.clear();
  return cache;
}

/** As the kernel tells it. */
function numberOf(lines: RequestLines, line: string, cut = false): number {
  const record = recordOf(exchangeBytes({ line }));
  return lines.numberOf(record, record.at + httpExchange.layout.size, Math.min(line.length, 1008), cut);
}

test("a request line is method, path without query, and version", (t) => {
  t.deepEqual(lineOf("GET /a/b?c=d&e HTTP/1.1"), { method: "GET", path: "/a/b", version: "1.1", truncated: false });
  t.deepEqual(lineOf("POST / HTTP/1.0"), { method: "POST", path: "/", version: "1.0", truncated: false });
  t.deepEqual(lineOf("M-SEARCH * HTTP/1.1"), { method: "M-SEARCH", path: "*", version: "1.1", truncated: false });
});

test("of an absolute URL only the path is told, of CONNECT the host and port", (t) => {
  const pathOf = (target: string) => lineOf(`GET ${target} HTTP/1.1`).path;
  t.is(pathOf("http://host.test/a?b"), "/a");
  t.is(pathOf("HTTPS://host.test:8443/a/b"), "/a/b");
  t.is(pathOf("http://host.test"), "/");
  t.is(pathOf("http://host.test?q"), "/");
  t.is(lineOf("CONNECT host.test:443 HTTP/1.1").path, "host.test:443");
  t.is(lineOf("CONNECT [::1]:443 HTTP/1.1").path, "[::1]:443");
});

test("a path longer than the limit is cut there and says so", (t) => {
  t.deepEqual(lineOf("GET /12345?q HTTP/1.1", false, 4), {
    method: "GET",
    path: "/123",
    version: "1.1",
    truncated: true,
  });
  t.false(lineOf("GET /123?456 HTTP/1.1", false, 4).truncated, "the query does not count");
});

test("a path that was not captured whole is truncated, a query that was not is none of our business", (t) => {
  t.like(lineOf("GET /a/b", true), { path: "/a/b", truncated: true });
  t.like(lineOf("GET /a/b?c=", true), { path: "/a/b", truncated: false });
  t.like(lineOf("GET /a/b ", true), { path: "/a/b", truncated: false });
});

test("bytes of a path are UTF-8, and a limit cuts no character in two", (t) => {
  const bytes = Buffer.from("GET /é€😀 HTTP/1.1").toString("latin1");
  t.is(lineOf(bytes).path, "/é€😀");
  for (const [limit, path] of [
    [9, "/é€"],
    [7, "/é€"],
    [6, "/é€"],
    [5, "/é"],
    [2, "/"],
  ] as const) {
    t.is(lineOf(bytes, false, limit).path, path, `${limit}`);
  }
  t.is(lineOf("GET /\xff HTTP/1.1").path, "/\ufffd");
});

test("what is no request line does not throw", (t) => {
  for (const line of ["", " ", "GET", "GET ", "  a", "\0\0", "GET / FTP/9"]) t.notThrows(() => lineOf(line), line);
});

const line = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("GET", "POST", "X"),
      fc.stringMatching(/^\/[a-c?]{0,12}$/),
      fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.x", ""),
    )
    .map((parts) => parts.join(" ")),
  fc
    .string({ unit: fc.constantFrom("a", "?", " ", "/", "1", ".", "\xff", "H"), maxLength: 300 })
    .map((rest) => `X ${rest}`),
);

test("lines have the same number if and only if points do not tell them apart, however often and in whatever order they come", (t) => {
  holds(
    t,
    fc.property(
      fc.array(fc.tuple(line, fc.boolean()), { maxLength: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (all, max) => {
        const lines = new RequestLines(max, 1000, emptied());
        for (const [text, cut] of [...all, ...all]) {
          assert.deepEqual(lines.request(numberOf(lines, text, cut)), lineOf(text, cut, max));
          assert.equal(numberOf(lines, text, cut), lines.numberOfParts(splitRequestLine(text, cut)));
        }
      },
    ),
    { numRuns: 1000, includeErrorInReport: true },
  );
});

test("a line of a thousand bytes and one of a query as long are numbered like any other", (t) => {
  const lines = new RequestLines(1024, 10, emptied());
  const path = "/" + "p".repeat(900);
  t.is(lines.request(numberOf(lines, `GET ${path} HTTP/1.1`)).path, path);
  t.is(lines.request(numberOf(lines, `GET /q?${"q".repeat(900)} HTTP/1.1`)).path, "/q");
});

test("when there are too many lines only methods and versions are told apart, and in the end versions", (t) => {
  const lines = new RequestLines(1024, 2, emptied());
  numberOf(lines, "GET /1 HTTP/1.1");
  numberOf(lines, "GET /2 HTTP/1.1");
  const any = { method: "GET", path: "*", version: "1.1", truncated: true };
  t.deepEqual(lines.request(numberOf(lines, "GET /3 HTTP/1.1")), any);
  t.deepEqual(lines.request(numberOf(lines, "GET /4 HTTP/1.1")), any);
  t.is(lines.request(numberOf(lines, "GET /1 HTTP/1.1")).path, "/1", "those that have a number keep it");
  for (let method = 0; method < 3000; method++) numberOf(lines, `M${method} / HTTP/1.1`);
  t.true(lines.size < 1100, `${lines.size} lines`);
  t.like(lines.request(numberOf(lines, "NEW / HTTP/1.1")), { method: "*", path: "*", version: "1.1" });
});
