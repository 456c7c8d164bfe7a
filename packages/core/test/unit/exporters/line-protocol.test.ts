// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { defineMeasurement, field, lineProtocol, type FieldValue, type Point } from "../../../src/index.js";

const point = (more: Partial<Point>): Point => ({
  measurement: "netflow",
  category: "network",
  time: 1_700_000_000_000_000_001n,
  tags: {},
  fields: { n: 1 },
  ...more,
});

test("integers have their i, floats none, strings are quoted, tags are in order", (t) => {
  const tags = { transport: "tcp", direction: "incoming" };
  const fields = { bytes: 42, big: 2n ** 60n, ratio: 0.5, method: "GET", truncated: false };
  t.is(
    lineProtocol(point({ tags, fields })),
    'netflow,direction=incoming,transport=tcp bytes=42i,big=1152921504606846976i,ratio=0.5,method="GET",truncated=false 1700000000000000001\n',
  );
});

test("a float that happens to be whole stays a float when its declaration is known", (t) => {
  const declared = defineMeasurement({
    name: "netflow",
    category: "network",
    description: "",
    tags: {},
    fields: { n: field("float", "1", "") },
  });
  t.is(lineProtocol(point({}), [declared]), "netflow n=1 1700000000000000001\n");
});

test("what would break the line is escaped", (t) => {
  const awkward = point({
    measurement: "a b,c=d",
    tags: { "k,e y=": "v a,l=ue", ends: "back\\", lines: "a\nb" },
    fields: { "f=i,e ld": 'say "hi" \\ ok' },
  });
  t.is(
    lineProtocol(awkward),
    'a\\ b\\,c=d,ends=back,k\\,e\\ y\\==v\\ a\\,l\\=ue,lines=a\\ b f\\=i\\,e\\ ld="say \\"hi\\" \\\\ ok" 1700000000000000001\n',
  );
});

test("tags without value and numbers that are none are left out, and a point without fields is no line", (t) => {
  t.is(
    lineProtocol(point({ tags: { process_name: "" }, fields: { a: NaN, b: 2 } })),
    "netflow b=2i 1700000000000000001\n",
  );
  t.is(lineProtocol(point({ fields: { a: Infinity } })), "");
});

/** Reads one line as InfluxDB does: a backslash before a special character escapes it, elsewhere it is itself. */
function parse(line: string): { tags: Record<string, string>; fields: Record<string, string>; time: string } {
  let at = 0;
  const until = (stops: string) => {
    let text = "";
    while (at < line.length && !stops.includes(line[at]!)) {
      if (line[at] === "\\" && ",= ".includes(line[at + 1]!)) at++;
      text += line[at++];
    }
    return text;
  };
  const quoted = () => {
    let text = "";
    for (at++; line[at] !== '"'; at++) {
      if (line[at] === "\\" && '"\\'.includes(line[at + 1]!)) at++;
      text += line[at];
    }
    at++;
    return text;
  };
  const tags: Record<string, string> = {};
  const fields: Record<string, string> = {};
  until(", ");
  while (line[at] === ",") {
    at++;
    const key = until("=");
    at++;
    tags[key] = until(", ");
  }
  do {
    at++;
    const key = until("=");
    at++;
    fields[key] = line[at] === '"' ? quoted() : until(", ");
  } while (line[at] === ",");
  return { tags, fields, time: line.slice(at + 1, -1) };
}

test("any point is read back with the same tags and fields", (t) => {
  const name = fc
    .string({ minLength: 1, unit: fc.constantFrom(..."ab, =\\\"'é☃") })
    .filter((text) => !/\\$/.test(text))
    .map((text) => `k${text}`);
  const value: fc.Arbitrary<FieldValue> = fc.oneof(
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.boolean(),
    fc.string({ unit: fc.constantFrom(..."ab, =\\\"'\né☃") }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, name), fc.dictionary(name, value, { minKeys: 1 }), (tags, fields) => {
      const read = parse(lineProtocol(point({ measurement: "m x", tags, fields })));
      t.deepEqual(read.tags, { ...tags });
      const written = Object.entries(fields).map(([key, of]) => [
        key,
        typeof of === "number" || typeof of === "bigint" ? `${of}i` : String(of),
      ]);
      t.deepEqual(read.fields, Object.fromEntries(written));
      t.is(read.time, "1700000000000000001");
    }),
  );
});
