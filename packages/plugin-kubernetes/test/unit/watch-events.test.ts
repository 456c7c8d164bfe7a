// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { watchEvents } from "../../src/api/watch-events.js";

async function read(text: string, size: number): Promise<unknown[]> {
  async function* chunks() {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = Buffer.from(bytes.subarray(at, at + size));
      yield chunk;
      chunk.fill(0);
    }
  }
  const events: unknown[] = [];
  for await (const event of watchEvents(chunks())) events.push(event);
  return events;
}

const event = fc.record({
  type: fc.constantFrom("ADDED", "DELETED"),
  object: fc.dictionary(fc.string(), fc.jsonValue()),
});

test("any events come through pieces of any size, a character of several bytes cut in two among them", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(event), fc.integer({ min: 1, max: 50 }), async (events, size) => {
      const lines = events.map((each) => `${JSON.stringify(each)}\n`);
      t.deepEqual(await read(lines.join(""), size), JSON.parse(JSON.stringify(events)));
    }),
  );
});

test("what comes after the last end of line is no event", async (t) => {
  t.deepEqual(await read('{"type":"ADDED","object":{}}\n{"type":"DELE', 7), [{ type: "ADDED", object: {} }]);
});

test("a line that is no JSON is an error, not silence", async (t) => {
  await t.throwsAsync(read("<html>\n", 3), { instanceOf: SyntaxError });
});
