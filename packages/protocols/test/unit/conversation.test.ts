// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import {
  Budget,
  type Call,
  Conversation,
  type Detector,
  type Exchange,
  Http1Connection,
  looksLikeRequest,
  Side,
  WantedHeaders,
} from "../../src/index.js";
import { feed, type Said } from "./support/feed.js";
import { holds } from "./support/holds.js";

type Offsets = Pick<Call, "requestAt" | "requestHeadEnd" | "requestEnd" | "responseAt">;
const offsetsOf = ({ requestAt, requestHeadEnd, requestEnd, responseAt }: Exchange): Offsets => ({
  requestAt,
  requestHeadEnd,
  requestEnd,
  responseAt,
});

class Talk {
  readonly told: Exchange[] = [];
  lost = 0;
  readonly offsets: Offsets[] = [];
  readonly sink = {
    told: (exchange: Exchange) => {
      this.told.push(exchange);
      this.offsets.push(offsetsOf(exchange));
    },
    lost: (calls: number) => void (this.lost += calls),
  };
  readonly budget = new Budget(1 << 20);

  detector: Detector = (opening, isMidway) => {
    const empty = opening[0] === 13 ? 2 : 0;
    if (opening.length < 8 + empty) return "more";
    if (!looksLikeRequest(opening, empty, opening.length)) return undefined;
    return { side: Side.REQUESTS, decoder: new Http1Connection(this.sink, { isMidway }) };
  };

  conversation(isMidway = false, readSeq = 0, writtenSeq = 0): Conversation {
    return new Conversation({
      readSeq,
      writtenSeq,
      budget: this.budget,
      opening: { detector: this.detector, isMidway },
    });
  }
}

const asked = (path: string, body = "", before = ""): Buffer =>
  Buffer.from(`${before}POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const answered = (body: string, interim = ""): Buffer =>
  Buffer.from(`${interim}HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

test("offsets say where requests, heads and responses are, however the bytes are cut and whoever of both asks", (t) => {
  const call = fc.record({
    body: fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
    empty: fc.constantFrom("", "", "\r\n"),
    interim: fc.constantFrom("", "HTTP/1.1 100 Continue\r\n\r\n"),
    response: fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  });
  holds(
    t,
    fc.property(
      fc.array(call, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 90 }),
      fc.boolean(),
      fc.nat(2 ** 32 - 1),
      fc.nat(2 ** 32 - 1),
      (calls, size, isServer, readSeq, writtenSeq) => {
        const talk = new Talk();
        const conversation = talk.conversation(false, readSeq, writtenSeq);
        const said: Said[] = [];
        const expected: Offsets[] = [];
        let [requests, responses] = [0, 0];
        calls.forEach(({ body, empty, interim, response }, index) => {
          const request = asked(`/${index}`, body, empty);
          const answer = answered(response, interim);
          expected.push({
            requestAt: requests + empty.length,
            requestHeadEnd: requests + request.length - body.length,
            requestEnd: requests + request.length,
            responseAt: responses + interim.length,
          });
          requests += request.length;
          responses += answer.length;
          said.push({ isWritten: !isServer, bytes: request }, { isWritten: isServer, bytes: answer });
        });
        feed(conversation, said, { size, readSeq, writtenSeq });
        assert.deepEqual(talk.offsets, expected);
        assert.equal(conversation.sideOf(false), isServer ? Side.REQUESTS : Side.RESPONSES);
        const [ofRequests, ofResponses] = isServer ? [readSeq, writtenSeq] : [writtenSeq, readSeq];
        assert.equal(conversation.sequenceOf(Side.REQUESTS, requests), (ofRequests + requests) >>> 0);
        assert.equal(conversation.sequenceOf(Side.RESPONSES, 1), (ofResponses + 1) >>> 0);
        assert.equal(talk.budget.used, 0);
      },
    ),
  );
});

test("behind bytes that were lost offsets are still those of the wire", (t) => {
  const talk = new Talk();
  const conversation = talk.conversation();
  feed(conversation, [
    { isWritten: false, bytes: asked("/a") },
    { isWritten: true, bytes: answered("x") },
  ]);
  const [readAt, writtenAt] = [asked("/a").length + 100, answered("x").length];
  const request = asked("/b", "body");
  const response = answered("yz");
  conversation.add(false, readAt, request.length, { bytes: request, timeNs: 100 }, 0, request.length);
  conversation.giveUpHoles(Infinity);
  conversation.add(true, writtenAt, response.length, { bytes: response, timeNs: 101 }, 0, response.length);
  t.deepEqual(talk.offsets.at(-1), {
    requestAt: readAt,
    requestHeadEnd: readAt + request.length - 4,
    requestEnd: readAt + request.length,
    responseAt: writtenAt,
  });
});

test("a body that passes unseen counts", (t) => {
  const talk = new Talk();
  const conversation = talk.conversation();
  const head = Buffer.from("PUT /big HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  conversation.add(false, 0, head.length + 100_000, { bytes: head, timeNs: 1 }, 0, head.length);
  feed(conversation, [{ isWritten: true, bytes: answered("") }]);
  t.like(talk.offsets[0], { requestHeadEnd: head.length, requestEnd: head.length + 100_000 });
});

test("a response that is seen before its request waits until it is known what this is", (t) => {
  const talk = new Talk();
  feed(talk.conversation(), [
    { isWritten: true, bytes: answered("early") },
    { isWritten: false, bytes: asked("/late") },
  ]);
  t.is(talk.told.length, 1);
});

test("a conversation that is joined in its middle is known by the next request", (t) => {
  const talk = new Talk();
  feed(talk.conversation(true), [
    { isWritten: true, bytes: Buffer.from("the end of something") },
    { isWritten: false, bytes: asked("/a") },
    { isWritten: true, bytes: answered("x") },
  ]);
  t.deepEqual(
    talk.told.map(({ request, status }) => `${request.target} ${status}`),
    ["/a 200"],
  );
});

test("what nobody knows is ignored, and nothing of it is kept", (t) => {
  const talk = new Talk();
  const conversation = talk.conversation();
  feed(conversation, [
    { isWritten: true, bytes: Buffer.from("SSH-2.0-server\r\n") },
    { isWritten: false, bytes: Buffer.from("SSH-2.0-client\r\n") },
  ]);
  t.is(conversation.outcome, "ignored");
  const flood = new Talk();
  feed(flood.conversation(), [{ isWritten: true, bytes: Buffer.alloc(100_000, 1) }], { size: 1000 });
  feed(flood.conversation(true), [{ isWritten: true, bytes: Buffer.alloc(2 << 20, 1) }], { size: 1000 });
  t.is(talk.budget.used + flood.budget.used, 0);
});

test("wanted headers are kept in whatever case they come, others never, and long values are cut", (t) => {
  const talk = new Talk();
  const wanted = new WantedHeaders(["Traceparent", "uber-trace-id", "x-b3-traceid"]);
  const conversation = new Conversation({
    readSeq: 0,
    writtenSeq: 0,
    budget: talk.budget,
    opening: { side: Side.REQUESTS, decoder: new Http1Connection(talk.sink, { wanted }) },
  });
  const head =
    "GET / HTTP/1.1\r\ncookie: secret\r\nTRACEPARENT:  a \r\nUber-Trace-Id: b\r\nuber-trace-id: c\r\n" +
    `authorization: secret\r\nX-B3-TraceId: ${"d".repeat(3000)}\r\n\r\n`;
  feed(conversation, [
    { isWritten: false, bytes: Buffer.from(head) },
    { isWritten: true, bytes: answered("") },
    { isWritten: false, bytes: asked("/without") },
    { isWritten: true, bytes: answered("") },
  ]);
  const { headers } = talk.told[0]!;
  t.deepEqual([...headers.keys()], ["traceparent", "uber-trace-id", "x-b3-traceid"]);
  t.is(headers.get("traceparent"), "a");
  t.is(headers.get("uber-trace-id"), "b,c", "lines of one name are one list");
  t.regex(headers.get("x-b3-traceid")!, /^d{1000,1024}$/);
  t.is(talk.told[1]!.headers.size, 0);
});
