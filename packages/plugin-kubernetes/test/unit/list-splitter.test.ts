// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { ListSplitter } from "../../src/api/list-splitter.js";
import { recordedText } from "../support/recorded.js";

/** Feeds a text in pieces, cut wherever `cuts` say. */
function split(text: string, cuts: readonly number[]) {
  const items: unknown[] = [];
  const splitter = new ListSplitter((json) => items.push(JSON.parse(json)));
  const bytes = Buffer.from(text);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let begin = 0;
  for (const place of [...places, bytes.length]) {
    // The socket's memory is used again after each piece.
    const piece = Buffer.from(bytes.subarray(begin, place));
    splitter.push(piece);
    piece.fill(0);
    begin = place;
  }
  return { items, envelope: splitter.end() };
}

const item = fc.dictionary(fc.string(), fc.jsonValue());
const list = fc.record({
  kind: fc.constantFrom("PodList", "items", '"items":[{', "\\"),
  metadata: fc.record({ resourceVersion: fc.string(), items: fc.array(item) }),
  items: fc.array(item),
  zzz: fc.jsonValue(),
});

test("any list, cut anywhere, gives its items and the rest of it", (t) => {
  fc.assert(
    fc.property(list, fc.array(fc.nat()), fc.constantFrom(undefined, 1), (value, cuts, indent) => {
      // What JSON cannot say, such as -0, is not asked for.
      const expected = JSON.parse(JSON.stringify(value)) as typeof value;
      const { items, envelope } = split(JSON.stringify(value, undefined, indent), cuts);
      t.deepEqual(items, expected.items);
      t.deepEqual(envelope, { ...expected, items: [] } as never);
    }),
  );
});

test("the order of a list's members does not matter", (t) => {
  const { items, envelope } = split('{"items":[{"a":1},{"b":[2]}],"metadata":{"resourceVersion":"7"}}', [9, 10, 11]);
  t.deepEqual(items, [{ a: 1 }, { b: [2] }]);
  t.is(envelope.metadata?.resourceVersion, "7");
});

test("a list of nothing has no items, however it is written", (t) => {
  for (const text of ['{"items":[]}', '{"items":null}', "{}", '{"items": [ ] }'])
    t.deepEqual(split(text, []).items, []);
});

test("a list that did not arrive whole is an error, wherever it ends", (t) => {
  const text = '{"kind":"PodList","items":[{"a":"]}"},{"b":2}],"metadata":{}}';
  for (let end = 0; end < text.length; end++)
    t.throws(() => split(text.slice(0, end), []), { instanceOf: SyntaxError });
});

test("recorded services, with the braces and quotes in their managedFields, come out as JSON.parse reads them", (t) => {
  const text = recordedText("services.json");
  const { items } = split(
    text,
    Array.from({ length: 100 }, (_, at) => at * 131),
  );
  t.deepEqual(items, (JSON.parse(text) as { items: unknown[] }).items);
});
