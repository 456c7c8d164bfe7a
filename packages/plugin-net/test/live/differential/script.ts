// SPDX-License-Identifier: MIT
// What two HTTP/1 peers say to each other, generated: every way a message can be framed, and the oddities real ones show.

import fc from "fast-check";

type Side = "client" | "server";

/** Bytes that one side writes at once; the next piece is written when the other side has them. */
export interface Piece {
  readonly from: Side;
  /** latin1 */
  readonly bytes: string;
}

/** The truth about one exchange. */
export interface Exchanged {
  readonly method: string;
  /** As the request line has it. */
  readonly target: string;
  readonly version: string;
  /** Of the final response; 0 when the connection ended without one. */
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface Conversation {
  readonly pieces: readonly Piece[];
  readonly exchanges: readonly Exchanged[];
  /** Who closes, and how. */
  readonly end: { readonly by: Side; readonly how: "close" | "reset" };
}

interface Framed {
  readonly headers: readonly string[];
  readonly body: string;
}

interface Drawn {
  readonly method: string;
  readonly suffix: string;
  readonly absolute: boolean;
  readonly request: Framed;
  readonly requestHeaders: readonly string[];
  readonly status: number;
  readonly interim: readonly number[];
  readonly response: Framed;
  readonly responseHeaders: readonly string[];
  /** Where messages are cut into pieces, as fractions. */
  readonly cuts: readonly number[];
  /** The response begins when only this share of the request's body is sent; 1: after it. */
  readonly answersAt: number;
}

const CRLF = "\r\n";
const methods = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "PROPFIND", "REPORT"];
const statuses = [200, 200, 200, 201, 204, 301, 304, 400, 404, 500, 503];
const hasNoBody = (method: string, status: number): boolean => method === "HEAD" || status === 204 || status === 304;

/** Text that a parser which lost its place would take for a message. */
const bait = ["GET /bait HTTP/1.1\r\nHost: b\r\n\r\n", "HTTP/1.1 599 Bait\r\nContent-Length: 0\r\n\r\n", "0\r\n\r\n"];
const bodyText = fc.oneof(
  { weight: 30, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 300 }) },
  { weight: 6, arbitrary: fc.constantFrom(...bait) },
  { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 40_000 }).map((length) => "x".repeat(length)) },
);

const sized = bodyText.map((body): Framed => ({ headers: [`Content-Length: ${body.length}`], body }));
const chunked = fc
  .tuple(fc.array(bodyText, { maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([parts, extended, trailed]): Framed => ({
    headers: ["Transfer-Encoding: chunked"],
    body:
      parts
        .filter((part) => part !== "")
        .map((part) => `${part.length.toString(16)}${extended ? ";ext=1" : ""}${CRLF}${part}${CRLF}`)
        .join("") + `0${CRLF}${trailed ? `X-Trailer: t${CRLF}` : ""}${CRLF}`,
  }));
const none = fc.constant<Framed>({ headers: [], body: "" });

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/).map((name) => `X-${name}`);
const text = fc.stringMatching(/^[!-~]{0,60}$/);
const headers = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.tuple(token, text).map(([name, value]) => `${name}: ${value}`) },
    { weight: 1, arbitrary: fc.integer({ min: 500, max: 3_000 }).map((length) => `Cookie: ${"c".repeat(length)}`) },
  ),
  { maxLength: 6 },
);

const drawn: fc.Arbitrary<Drawn> = fc.record({
  method: fc.constantFrom(...methods),
  suffix: fc.stringMatching(/^[a-zA-Z0-9._~-]{0,40}(\?[a-z0-9=&]{0,30})?$/),
  absolute: fc.nat(19).map((n) => n === 0),
  request: fc.oneof(none, sized, chunked),
  requestHeaders: headers,
  status: fc.constantFrom(...statuses),
  interim: fc.oneof(
    { weight: 8, arbitrary: fc.constant([]) },
    fc.constant([100]),
    fc.constant([103]),
    fc.constant([100, 103]),
  ),
  response: fc.oneof(sized, sized, chunked),
  responseHeaders: headers,
  cuts: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
  ),
  answersAt: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constant(0.5)),
});

/** Requests that are sent before the first of their responses; most often one. */
const group = fc.oneof(
  { weight: 4, arbitrary: fc.array(drawn, { minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.array(drawn, { minLength: 2, maxLength: 5 }) },
);

const lastOf = fc.constantFrom<Ending>(
  "keep-alive",
  "keep-alive",
  "server-close",
  "until-close",
  "no-answer",
  "http/1.0",
);
type Ending = "keep-alive" | "server-close" | "until-close" | "no-answer" | "http/1.0";

/** A conversation whose targets begin with `/<name>/<index>/`, so that each is unique. */
const conversation = (name: string, tame: boolean): fc.Arbitrary<Conversation> =>
  fc
    .tuple(fc.array(group, { minLength: 1, maxLength: 10 }), lastOf)
    .map(([groups, ending]) => written(name, groups, ending, tame));

function written(name: string, groups: readonly (readonly Drawn[])[], ending: Ending, tame: boolean): Conversation {
  const pieces: Piece[] = [];
  const exchanges: Exchanged[] = [];
  groups.forEach((drawns, at) => {
    const isLast = at === groups.length - 1;
    // What ends a connection can only be said of its last exchange.
    const drawnHere = isLast && ending !== "keep-alive" ? drawns.slice(0, 1) : drawns;
    const isTried = drawnHere.length > 1 || drawnHere[0]!.answersAt < 1;
    const members = tame && isTried ? drawnHere.map(withoutHead) : drawnHere;
    const messages = members.map((one) => {
      const index = exchanges.length;
      const messages = messagesOf(one, `/${name}/${index}/${one.suffix}`, isLast ? ending : "keep-alive");
      exchanges.push(messages.exchanged);
      return messages;
    });
    const early = members.length === 1 && members[0]!.answersAt < 1 && messages[0]!.requestBody.length > 1;
    if (early) return pieces.push(...answeredEarly(messages[0]!));
    for (const from of ["client", "server"] as const) {
      const bytes = messages.map((message) => (from === "client" ? message.request : message.response)).join("");
      pieces.push(...cut(from, bytes, members[0]!.cuts));
    }
  });
  const end =
    ending === "keep-alive" || ending === "no-answer"
      ? ({ by: "client", how: ending === "no-answer" ? "reset" : "close" } as const)
      : ({ by: "server", how: "close" } as const);
  return { pieces, exchanges, end };
}

/** tshark loses its place at a HEAD that is pipelined or answered early: its response has no body whatever its head says. */
const withoutHead = (one: Drawn): Drawn => (one.method === "HEAD" ? { ...one, method: "GET" } : one);

interface Messages {
  readonly request: string;
  readonly requestBody: string;
  readonly response: string;
  readonly exchanged: Exchanged;
}

function messagesOf(one: Drawn, path: string, ending: Ending): Messages {
  const version = ending === "http/1.0" ? "1.0" : "1.1";
  const target = one.absolute ? `http://example.test${path}` : path;
  // HTTP/1.0 knows no chunks.
  const body =
    version === "1.0" && one.request.headers[0]?.startsWith("Transfer") ? { headers: [], body: "" } : one.request;
  const requestHead = [
    `${one.method} ${target} HTTP/${version}`,
    "Host: example.test",
    ...one.requestHeaders,
    ...body.headers,
  ];
  const request = head(requestHead) + body.body;
  const response = ending === "no-answer" ? "" : responseOf(one, ending);
  return {
    request,
    requestBody: body.body,
    response,
    exchanged: {
      method: one.method,
      target,
      version,
      status: ending === "no-answer" ? 0 : one.status,
      requestBytes: request.length,
      responseBytes: response.length,
    },
  };
}

function responseOf(one: Drawn, ending: Ending): string {
  const interim =
    ending === "http/1.0" ? "" : one.interim.map((status) => head([`HTTP/1.1 ${status} Interim`])).join("");
  const untilClose = ending === "until-close" || ending === "http/1.0";
  const unframed = untilClose || one.status === 204 || one.status === 304;
  const framed: Framed = unframed ? { headers: [], body: one.response.body } : one.response;
  const closing = ending === "keep-alive" ? [] : ["Connection: close"];
  const lines = [`HTTP/1.1 ${one.status} Reason here`, ...one.responseHeaders, ...framed.headers, ...closing];
  return interim + head(lines) + (hasNoBody(one.method, one.status) ? "" : framed.body);
}

const head = (lines: readonly string[]): string => lines.join(CRLF) + CRLF + CRLF;

/** The response comes while the request is half sent. */
function answeredEarly({ request, requestBody, response }: Messages): Piece[] {
  const half = request.length - Math.ceil(requestBody.length / 2);
  const pieces: Piece[] = [
    { from: "client", bytes: request.slice(0, half) },
    { from: "server", bytes: response },
    { from: "client", bytes: request.slice(half) },
  ];
  return pieces.filter(({ bytes }) => bytes !== "");
}

function cut(from: Side, bytes: string, at: readonly number[]): Piece[] {
  const places = [0, ...at.map((share) => Math.floor(share * bytes.length)), bytes.length].sort((a, b) => a - b);
  return places
    .slice(1)
    .map((end, index) => ({ from, bytes: bytes.slice(places[index], end) }))
    .filter((piece) => piece.bytes !== "");
}

/** Conversations with at least `exchanges` exchanges in all; the same ones for the same seed. `tame`: none that tshark mistakes. */
export function conversations(exchanges: number, seed: number, tame: boolean): Conversation[] {
  const made: Conversation[] = [];
  let count = 0;
  while (count < exchanges) {
    const [one] = fc.sample(conversation(`c${made.length}`, tame), { numRuns: 1, seed: seed + made.length });
    made.push(one!);
    count += one!.exchanges.length;
  }
  return made;
}
