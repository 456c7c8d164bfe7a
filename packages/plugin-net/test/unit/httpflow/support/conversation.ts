// SPDX-License-Identifier: MIT

import fc from "fast-check";

/** What must be found of an exchange. */
export interface Expected {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** A request and its response, as they go over the wire. */
export interface Spoken {
  readonly request: Buffer;
  readonly response: Buffer;
  readonly expected: Expected;
}

const lines = fc.constantFrom("\r\n", "\n");
const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const header = fc.oneof(
  fc.tuple(token, fc.stringMatching(/^[ -~]{0,40}$/)).map(([name, value]) => `X-${name}: ${value}`),
  fc.constantFrom(
    "Cookie: Content-Length: 17",
    "X-Transfer-Encoding: chunked",
    "X-Folded: a\r\n Content-Length: 99",
    "Accept:*/*",
    "Expect: 100-continue",
  ),
);
const headers = fc.array(header, { maxLength: 4 });
const plainBody = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
/** Bodies that look like messages are the ones to get wrong. */
const trickyBody = fc.oneof(
  plainBody,
  fc
    .constantFrom("HTTP/1.1 200 OK\r\n\r\n", "GET /in-body HTTP/1.1\r\n\r\n", "0\r\n\r\n", "\r\n0\r\n\r\n")
    .map(Buffer.from),
);

/** A body as chunks, with extensions and trailers. */
const chunkedOf = (body: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .record({
      pieces: fc.array(body, { maxLength: 4 }),
      extension: fc.constantFrom("", ";a=b", ' ; q="x y"', "   "),
      upper: fc.boolean(),
      trailers: headers,
    })
    .map(({ pieces, extension, upper, trailers }) => {
      const parts: (Buffer | string)[] = [];
      for (const piece of pieces) {
        if (piece.length === 0) continue;
        const size = piece.length.toString(16);
        parts.push(`${upper ? size.toUpperCase() : size}${extension}\r\n`, piece, "\r\n");
      }
      parts.push(`0${extension}\r\n`, ...trailers.map((trailer) => `${trailer}\r\n`), "\r\n");
      return Buffer.concat(parts.map((part) => Buffer.from(part)));
    });

type Body = { readonly headers: readonly string[]; readonly bytes: Buffer };
const noBody = fc.constant<Body>({ headers: [], bytes: Buffer.alloc(0) });
const framedOf = (body: fc.Arbitrary<Buffer>): fc.Arbitrary<Body> =>
  fc.oneof(
    body.map((bytes) => ({ headers: [`Content-Length: ${bytes.length}`], bytes })),
    body.map((bytes) => ({ headers: [`content-length:${bytes.length}`, `Content-Length:  ${bytes.length} `], bytes })),
    chunkedOf(body).map((bytes) => ({ headers: ["Transfer-Encoding: chunked"], bytes })),
    chunkedOf(body).map((bytes) => ({ headers: ["Content-Length: 5", "transfer-encoding: gzip,", " Chunked"], bytes })),
  );

const requestOf = (framed: fc.Arbitrary<Body>) =>
  fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MKCOL"),
    path: fc.constantFrom("/", "/a/b", "/%20", "*", "http://example.test/x?y=z", "/q?a=b%20c"),
    version: fc.constantFrom("1.1", "1.1", "1.0"),
    headers,
    body: fc.oneof(noBody, framed),
    end: lines,
    empty: fc.constantFrom("", "", "\r\n"),
  });

const responseOf = (framed: fc.Arbitrary<Body>) =>
  fc.record({
    interim: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 2 }),
    status: fc.constantFrom(200, 201, 204, 302, 304, 404, 500, 599),
    reason: fc.constantFrom(" OK", "", " ", " Not Found: at all"),
    headers,
    body: framed,
    end: lines,
  });

const head = (first: string, lines: readonly string[], end: string): Buffer =>
  Buffer.from([first, ...lines, "", ""].join(end), "latin1");

type Generated<F> = F extends (framed: never) => fc.Arbitrary<infer T> ? T : never;

/** An exchange whose target names it. */
function spoken(number: number, request: Generated<typeof requestOf>, response: Generated<typeof responseOf>): Spoken {
  const { method, version } = request;
  const target = request.path === "*" ? "*" : `${request.path}${request.path.includes("?") ? "&" : "?"}${number}`;
  const sent = Buffer.concat([
    Buffer.from(number > 0 ? request.empty : ""),
    head(`${method} ${target} HTTP/${version}`, [...request.headers, ...folded(request.body.headers)], request.end),
    request.body.bytes,
  ]);
  const { status } = response;
  const isBodiless = method === "HEAD" || status === 204 || status === 304;
  const answered = Buffer.concat([
    ...response.interim.map((code) => head(`HTTP/1.1 ${code} Wait`, response.headers.slice(0, 1), response.end)),
    head(`HTTP/1.1 ${status}${response.reason}`, [...response.headers, ...folded(response.body.headers)], response.end),
    isBodiless ? Buffer.alloc(0) : response.body.bytes,
  ]);
  return {
    request: sent,
    response: answered,
    expected: {
      method,
      target,
      version,
      status,
      requestBytes: sent.length,
      responseBytes: answered.length,
    },
  };
}

/** A header line that begins with white space continues the one before. */
const folded = (lines: readonly string[]): string[] =>
  lines.reduce<string[]>((all, line) => {
    if (line.startsWith(" ")) all[all.length - 1] += `\r\n${line}`;
    else all.push(line);
    return all;
  }, []);

const conversationOf = (body: fc.Arbitrary<Buffer>): fc.Arbitrary<readonly Spoken[]> =>
  fc
    .array(fc.tuple(requestOf(framedOf(body)), responseOf(framedOf(body))), { minLength: 1, maxLength: 6 })
    .map((exchanges) => exchanges.map(([request, response], number) => spoken(number, request, response)));

/** Exchanges one after the other on one connection. */
export const conversation = conversationOf(trickyBody);
/** The same with bodies that nobody takes for messages who has lost his way. */
export const plainConversation = conversationOf(plainBody);

/** A piece of one direction. */
export interface Piece {
  readonly isRequest: boolean;
  /** Offset in its direction. */
  readonly at: number;
  readonly bytes: Buffer;
}

/** One direction cut anywhere. */
export function cut(bytes: Buffer, isRequest: boolean, cuts: readonly number[]): Piece[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => {
    const at = places[index]!;
    return { isRequest, at, bytes: bytes.subarray(at, end) };
  });
}
