// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { parseTap } from "../../../src/kernels/tap.js";

const stream = `TAP version 13
ok 1 - net › flows are counted
not ok 2 - net › ports are right
  ---
    name: AssertionError
    at: 'packages/net/test/live/net.test.ts:8:5'
  ...
ok 3 - net › sees retransmissions (skipped: kprobe: locked down) # SKIP
not ok 4 - net › udp # TODO
#   a comment
ok 5 - net › titles with a # in them

1..5
# tests 4
`;

test("tests, their outcome, reason and failure are read", (t) => {
  t.deepEqual(parseTap(stream), {
    planned: 5,
    tests: [
      { title: "net › flows are counted", outcome: "pass" },
      {
        title: "net › ports are right",
        outcome: "fail",
        detail: "name: AssertionError\nat: 'packages/net/test/live/net.test.ts:8:5'",
      },
      { title: "net › sees retransmissions", outcome: "skip", detail: "kprobe: locked down" },
      { title: "net › udp", outcome: "skip", detail: "to do" },
      { title: "net › titles with a # in them", outcome: "pass" },
    ],
  });
});

test("a stream cut short keeps what it had and has no plan", (t) => {
  const { tests, planned } = parseTap(stream.slice(0, stream.indexOf("at:")));
  t.is(planned, undefined);
  t.deepEqual(
    tests.map((it) => it.outcome),
    ["pass", "fail"],
  );
});

test("a diagnostic that speaks TAP is not taken for a test", (t) => {
  const { tests } = parseTap("not ok 1 - a\n  ---\nok 2 - b\n    ok 3 - c\n  ...\nok 4 - d\n");
  t.deepEqual(
    tests.map((it) => it.title),
    ["a", "d"],
  );
});

test("a skip without a reason in its title stays a skip", (t) => {
  t.deepEqual(parseTap("ok 1 - a # SKIP\n").tests, [{ title: "a", outcome: "skip" }]);
});

test("other output never makes the reader throw or invent a test", (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^(not )?ok \d/m.test(text));
      t.deepEqual(parseTap(text).tests, []);
    }),
  );
});
