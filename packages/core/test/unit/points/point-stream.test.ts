// SPDX-License-Identifier: MIT

import test from "ava";
import { BufferedPointStream } from "../../../src/points/point-stream.js";
import { sample } from "../support/plugins.js";

const point = (value: number) => sample.point(0n, { kind: "x" }, { value });
const setUp = (buffer = 3, signal?: AbortSignal) => {
  let ended = 0;
  const stream = new BufferedPointStream({ buffer, ...(signal && { signal }), onEnd: () => ended++ });
  return { stream, ended: () => ended };
};

test("readers that wait are served first, in order", async (t) => {
  const { stream } = setUp();
  const waiting = [stream.next(), stream.next()];
  t.is(stream.push([point(1), point(2), point(3)]), 0);
  t.deepEqual(
    (await Promise.all(waiting)).map(({ value }) => value.fields.value),
    [1, 2],
  );
  t.is((await stream.next()).value.fields.value, 3);
});

test("what waits when the stream ends is still handed out", async (t) => {
  const { stream, ended } = setUp();
  stream.push([point(1)]);
  stream.end();
  t.is(ended(), 1);
  t.is((await stream.next()).value.fields.value, 1);
  t.true((await stream.next()).done);
  t.is(stream.push([point(2)]), 0);
});

test("leaving the loop ends the stream", async (t) => {
  const { stream, ended } = setUp();
  stream.push([point(1), point(2)]);
  for await (const seen of stream) if (seen.fields["value"] === 1) break;
  t.is(ended(), 1);
  t.true((await stream.next()).done);
});

test("an abort ends a reader that waits", async (t) => {
  const abort = new AbortController();
  const { stream, ended } = setUp(3, abort.signal);
  const waiting = stream.next();
  abort.abort();
  t.true((await waiting).done);
  t.is(ended(), 1);
  t.true((await setUp(3, abort.signal).stream.next()).done);
});
