// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { nameText, peek } from "../../../src/dnsflow/message.js";
import { typeName } from "../../../src/dnsflow/types.js";
import { holds } from "../support/holds.js";
import { answerBytes, hostileBytes, hostName, queryBytes } from "./support.js";

test("what the beginning of a message says is what the whole of it says", (t) => {
  const types = fc.constantFrom("A", "AAAA", "MX", "TXT", "SRV", "PTR", "SOA", "ANY", "HTTPS", "CAA");
  holds(
    t,
    fc.property(fc.nat(65_535), hostName, types, fc.boolean(), fc.nat(15), (id, name, type, isAnswer, rcode) => {
      const bytes = encode({
        type: isAnswer ? "response" : "query",
        id,
        flags: isAnswer ? rcode | 0x200 : 0x100,
        questions: [{ name, type: type as "A" }],
        answers: isAnswer ? [{ type: "TXT", name, data: "x" }] : [],
      });
      const whole = decode(bytes);
      const message = peek(bytes)!;
      assert.equal(message.id, whole.id);
      assert.equal(message.isAnswer, whole.type === "response");
      assert.equal(message.rcode, isAnswer ? rcode : 0);
      assert.equal(message.answerCount, whole.answers!.length);
      assert.equal(nameText(message.question!.wireName), name);
      if (type !== "HTTPS") assert.equal(typeName(message.question!.type), whole.questions![0]!.type);
    }),
  );
});

test("names that differ in case only are one name, types that differ are not", (t) => {
  const question = (bytes: Buffer) => peek(bytes)!.question!;
  const [lower, mixed] = [
    question(queryBytes({ name: "www.example.org" })),
    question(queryBytes({ name: "wWw.ExAmPlE.oRg" })),
  ];
  t.deepEqual(lower, mixed);
  const https = Buffer.from(queryBytes());
  https[https.length - 3] = 65; // the letter A, were it text
  t.is(question(https).type, 65);
  t.is(typeName(65), "HTTPS");
  t.is(typeName(65_280), "TYPE65280");
});

test("labels with dots, spaces and bytes beyond ASCII are told apart in text", (t) => {
  t.is(nameText("\x05a.b c\x02\xe9\\\x00"), "a\\.b\\032c.\\233\\\\");
  t.is(nameText("\x00"), ".");
});

test("an answer without question is a message with an id and a code", (t) => {
  const bytes = encode({ type: "response", id: 7, flags: 5, questions: [] });
  t.like(peek(bytes), { id: 7, isAnswer: true, rcode: 5, question: undefined });
});

test("the upper bits of a code that EDNS carries are read where servers refuse EDNS itself", (t) => {
  const refused = (extendedRcode: number, questions: { name: string; type: "A" }[]) =>
    encode({
      type: "response",
      id: 1,
      flags: 0,
      questions,
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 1232,
          flags: 0,
          options: [],
          extendedRcode,
          ednsVersion: 0,
          flag_do: false,
        },
      ],
    });
  t.is(peek(refused(1, [{ name: "a.test", type: "A" }]))!.rcode, 16); // BADVERS
  t.is(peek(refused(1, []))!.rcode, 16);
  t.is(peek(refused(0, [{ name: "a.test", type: "A" }]))!.rcode, 0);
});

test("what is no message is none", (t) => {
  const query = queryBytes();
  for (let length = 0; length < query.length; length++) t.is(peek(query.subarray(0, length)), undefined, `${length}`);
  const changed = (at: number, byte: number): Buffer => {
    const bytes = Buffer.from(query);
    bytes[at] = byte;
    return bytes;
  };
  t.is(peek(changed(2, 7 << 3)), undefined, "an opcode nobody assigned");
  t.is(peek(changed(3, 0x40)), undefined, "the reserved bit");
  t.is(peek(changed(5, 2)), undefined, "two questions");
  t.is(peek(changed(12, 0xc0)), undefined, "a pointer where a question's name begins");
  t.is(peek(Buffer.from("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")), undefined);
});

test("bytes behind the question are not needed", (t) => {
  const bytes = answerBytes({ name: "a.test" }, { answers: [{ type: "A", name: "a.test", data: "192.0.2.1" }] });
  t.deepEqual(peek(bytes.subarray(0, 12 + 8 + 4))?.question, peek(bytes)?.question);
});

test("no bytes make it throw", (t) => {
  holds(
    t,
    fc.property(hostileBytes, (bytes) => {
      const message = peek(Buffer.from(bytes));
      if (message?.question) nameText(message.question.wireName);
    }),
    { numRuns: 2_000 },
  );
});
