// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { packKeys, unpackKeys } from "../../src/packed-keys.js";
import type { SpanKeys } from "../../src/span-keys.js";

const word = fc.nat({ max: 2 ** 32 - 1 });
const keys: fc.Arbitrary<SpanKeys> = fc.record({
  identity: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
  incoming: fc.boolean(),
  entry: fc.boolean(),
  requestSeq: word,
  responseSeq: word,
  client: word,
  server: word,
  threadHigh: word,
  threadLow: word,
  verdict: fc.constantFrom(undefined, "keep" as const, "reject" as const),
  hasAppTrace: fc.boolean(),
});

test("keys that are packed are unpacked as they were", (t) => {
  fc.assert(fc.property(keys, (given) => void t.deepEqual(unpackKeys(packKeys(given)), given)));
  t.is(unpackKeys(Buffer.alloc(7)), undefined);
});
