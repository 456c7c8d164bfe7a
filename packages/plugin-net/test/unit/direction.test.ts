// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import test from "ava";
import fc from "fast-check";
import { Direction, directionOf, ListeningPorts } from "../../src/netflow/direction.js";
import { holds } from "./support/holds.js";

const netns = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4_026_531_830, max: 0xffffffff }));
const port = fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constantFrom(0, 1, 65534, 65535));

test("a port is listened on in the network namespace it was added for and in no other", (t) => {
  holds(
    t,
    fc.property(fc.array(fc.tuple(netns, port), { maxLength: 30 }), fc.array(fc.tuple(netns, port)), (added, asked) => {
      const listening = new ListeningPorts();
      for (const [netns, port] of added) listening.add(netns, port);
      const joined = new Set(added.map(([netns, port]) => `${netns}:${port}`));
      for (const [netns, port] of [...added, ...asked])
        assert.equal(listening.has(netns, port), joined.has(`${netns}:${port}`));
    }),
  );
});

const listening = new ListeningPorts();
listening.add(4_026_531_840, 443);

test("a connection that was seen opening keeps its direction, whoever listens", (t) => {
  for (const port of [443, 50_000]) {
    t.is(directionOf(Direction.INCOMING, 4_026_531_840, port, listening), Direction.INCOMING);
    t.is(directionOf(Direction.OUTGOING, 4_026_531_840, port, listening), Direction.OUTGOING);
  }
});

test("a connection older than the agent is incoming when its local port was listened on, else outgoing", (t) => {
  t.is(directionOf(Direction.UNKNOWN, 4_026_531_840, 443, listening), Direction.INCOMING);
  t.is(directionOf(Direction.UNKNOWN, 4_026_531_840, 50_000, listening), Direction.OUTGOING);
  t.is(directionOf(Direction.UNKNOWN, 4_026_531_841, 443, listening), Direction.OUTGOING);
});
