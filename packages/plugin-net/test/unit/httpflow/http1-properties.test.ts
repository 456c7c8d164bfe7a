// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { holds } from "../support/holds.js";
import { conversation, cut, plainConversation, type Piece, type Spoken } from "./support/conversation.js";
import { expectedOf, Streamed } from "./support/streamed.js";

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const base = fc.record({ requests: fc.integer(), responses: fc.integer() });
const runs = { numRuns: 300, includeErrorInReport: true };

function directions(exchanges: readonly Spoken[]): { requests: Buffer; responses: Buffer } {
  return {
    requests: Buffer.concat(exchanges.map(({ request }) => request)),
    responses: Buffer.concat(exchanges.map(({ response }) => response)),
  };
}

/** Two lists as one, each in its own order. */
function interleaved<T>(first: readonly T[], second: readonly T[], turns: readonly boolean[]): T[] {
  const [a, b] = [[...first], [...second]];
  const all: T[] = [];
  for (let turn = 0; a.length > 0 || b.length > 0; turn++) {
    const list = b.length === 0 || (a.length > 0 && turns[turn % Math.max(1, turns.length)]) ? a : b;
    all.push(list.shift()!);
  }
  return all;
}

const check = (exchanges: readonly Spoken[], streamed: Streamed) => {
  assert.deepEqual(
    streamed.seen.map(expectedOf),
    exchanges.map(({ expected }) => expected),
  );
  assert.equal(streamed.lost, 0);
};

test("a pipeline cut anywhere, its directions interleaved at will, gives its exchanges in order", (t) => {
  holds(
    t,
    fc.property(conversation, cuts, cuts, fc.array(fc.boolean()), base, (exchanges, cutsA, cutsB, turns, base) => {
      const { requests, responses } = directions(exchanges);
      const streamed = new Streamed(base);
      const pieces = interleaved(cut(requests, true, cutsA), cut(responses, false, cutsB), turns);
      for (const piece of pieces) streamed.pass(piece);
      check(exchanges, streamed);
      assert.ok(streamed.connection.isAtRest, "every message has an end");
      assert.equal(streamed.budget.used, 0, "nothing is kept");
    }),
    runs,
  );
});

test("pieces that come twice, overlap or in any order give the same exchanges", (t) => {
  const disorder = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(40)), { maxLength: 10 });
  holds(
    t,
    fc.property(
      conversation,
      cuts,
      cuts,
      fc.infiniteStream(fc.nat()),
      disorder,
      base,
      (exchanges, a, b, order, again, base) => {
        const { requests, responses } = directions(exchanges);
        const pieces: Piece[] = [...cut(requests, true, a), ...cut(responses, false, b)];
        for (const [which, from, length] of again) {
          const isRequest = which % 2 === 0;
          const bytes = isRequest ? requests : responses;
          const at = from % bytes.length;
          pieces.push({ isRequest, at, bytes: bytes.subarray(at, at + length) });
        }
        const shuffled = pieces.map((piece) => [order.next().value as number, piece] as const);
        shuffled.sort(([x], [y]) => x - y);
        const streamed = new Streamed(base);
        for (const [, piece] of shuffled) streamed.pass(piece);
        check(exchanges, streamed);
        assert.equal(streamed.budget.used, 0);
      },
    ),
    runs,
  );
});

test("one exchange after the other, each is told as soon as its last byte has passed", (t) => {
  holds(
    t,
    fc.property(conversation, cuts, cuts, (exchanges, cutsA, cutsB) => {
      const streamed = new Streamed();
      let requestAt = 0;
      let responseAt = 0;
      exchanges.forEach(({ request, response }, number) => {
        for (const piece of cut(request, true, cutsA)) streamed.pass({ ...piece, at: piece.at + requestAt });
        for (const piece of cut(response, false, cutsB)) streamed.pass({ ...piece, at: piece.at + responseAt });
        requestAt += request.length;
        responseAt += response.length;
        assert.equal(streamed.seen.length, number + 1);
        assert.ok(streamed.connection.isAtRest);
      });
      check(exchanges, streamed);
    }),
    runs,
  );
});

test("a connection that breaks off anywhere tells every request whose line has passed, answered or not", (t) => {
  holds(
    t,
    fc.property(conversation, fc.nat(), fc.nat(), (exchanges, requestEnd, responseEnd) => {
      const { requests, responses } = directions(exchanges);
      const asked = requests.subarray(0, requestEnd % (requests.length + 1));
      const streamed = new Streamed();
      streamed.pass({ isRequest: true, at: 0, bytes: asked });
      streamed.pass({ isRequest: false, at: 0, bytes: responses.subarray(0, responseEnd % (responses.length + 1)) });
      streamed.close();
      let passed = 0;
      const begun = exchanges.filter(({ request }) => {
        const lineEnd = passed + request.indexOf("\n", request[0] === 13 ? 2 : 0) + 1;
        passed += request.length;
        return lineEnd <= asked.length;
      });
      assert.deepEqual(
        streamed.seen.map(({ target }) => target),
        begun.map(({ expected }) => expected.target),
      );
      streamed.seen.forEach(({ status }, number) =>
        assert.ok(status === 0 || status === begun[number]!.expected.status),
      );
      assert.equal(streamed.budget.used, 0);
    }),
    runs,
  );
});

test("when a piece is lost no exchange is made up, none gets another's response, and those that were seen are told or counted", (t) => {
  holds(
    t,
    fc.property(plainConversation, cuts, cuts, fc.nat(), (exchanges, cutsA, cutsB, which) => {
      const streamed = new Streamed();
      const pieces: Piece[] = [];
      let requestAt = 0;
      let responseAt = 0;
      for (const { request, response } of exchanges) {
        for (const piece of cut(request, true, cutsA)) pieces.push({ ...piece, at: piece.at + requestAt });
        for (const piece of cut(response, false, cutsB)) pieces.push({ ...piece, at: piece.at + responseAt });
        requestAt += request.length;
        responseAt += response.length;
      }
      pieces.splice(which % pieces.length, 1);
      for (const piece of pieces) streamed.pass(piece);
      streamed.close();
      assert.ok(streamed.seen.length + streamed.lost <= exchanges.length);
      const byTarget = new Map(exchanges.map(({ expected }) => [`${expected.method} ${expected.target}`, expected]));
      for (const { method, target, status } of streamed.seen) {
        const expected = byTarget.get(`${method} ${target}`);
        if (target === "*") continue;
        assert.ok(expected, `${method} ${target} was never asked`);
        assert.ok(status === 0 || status === expected.status, `${target}: ${status} instead of ${expected.status}`);
      }
      assert.equal(streamed.budget.used, 0);
    }),
    runs,
  );
});
