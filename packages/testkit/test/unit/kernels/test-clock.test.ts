// SPDX-License-Identifier: MIT
import test from "ava";
import { parseTap } from "../../../src/kernels/tap.js";
import { fileTimes, TestClock } from "../../../src/kernels/test-clock.js";

const stream = [
  [1_000, "TAP version 13\n"],
  [3_000, "ok 1 - net › test › live › tcp › one\nok 2 - net › te"],
  [3_500, "st › live › tcp › other # SKIP\n# a comment\n"],
  [9_000, "not ok 3 - net › test › live › udp › third\n  ---\n  ok 7 - no test\n  ...\n1..3\n"],
] as const;

test("a test took the time from the line before to its own, wherever the stream was cut", (t) => {
  const clock = new TestClock();
  for (const [at, text] of stream) clock.push(text, at);
  const tests = clock.time(parseTap(stream.map(([, text]) => text).join("")).tests);
  t.deepEqual(
    tests.map(({ durationMs }) => durationMs),
    [2_000, 500, 5_500],
  );
  t.deepEqual(fileTimes(tests), [
    { file: "net › test › live › udp", durationMs: 5_500 },
    { file: "net › test › live › tcp", durationMs: 2_500 },
  ]);
});
