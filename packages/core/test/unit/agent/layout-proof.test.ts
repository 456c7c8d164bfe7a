// SPDX-License-Identifier: MIT

import test from "ava";
import type { Layout, Plugin, Session } from "../../../src/index.js";
import { proveLayouts } from "../../../src/agent/layout-proof.js";
import { group, sampleCodec, testPlugin } from "../support/plugins.js";

const other = { layout: { struct: "other", size: 8, fields: [{ name: "a", offset: 0, size: 8 }] }, read: () => ({}) };
const prove = (loaded: Record<string, Layout>, more: Partial<Plugin<{ label: string }>> = {}) =>
  proveLayouts(testPlugin("a", undefined, { layouts: [other], ...more }), {
    layoutOf: (struct: string) => loaded[struct],
    strategies: { hooks: { name: "best", refused: [] }, extra: { name: undefined, refused: [] } },
  } as unknown as Session);

const right = { sample: sampleCodec.layout, other: other.layout };

test("a codec that reads some of the fields of the very struct that was loaded is right", (t) => {
  t.notThrows(() => prove(right));
  t.notThrows(() =>
    prove({
      ...right,
      other: { ...other.layout, fields: [...other.layout.fields, { name: "b", offset: 4, size: 4 }] },
    }),
  );
});

for (const [what, layout, message] of [
  ["another size", { ...other.layout, size: 16 }, /struct other has 16 bytes in the loaded object, 8 in the codec/],
  ["no such field", { ...other.layout, fields: [] }, /struct other has no field a/],
  [
    "a field elsewhere",
    { ...other.layout, fields: [{ name: "a", offset: 4, size: 4 }] },
    /field a at bytes 4 to 8 in the loaded object, at bytes 0 to 8 in the codec/,
  ],
] as const) {
  test(`a struct with ${what} is refused`, (t) => {
    t.throws(() => prove({ ...right, other: layout }), { code: "SKEP_ERR_LAYOUT", message });
  });
}

test("a struct the object does not know is refused", (t) => {
  t.throws(() => prove({ sample: sampleCodec.layout }), {
    code: "SKEP_ERR_LAYOUT",
    message: /other is not in the loaded/,
  });
});

test("a struct of an object that was left out is never decoded, and no reason to refuse the others", (t) => {
  const objects = { main: {}, side: {} };
  const inObject = (object: string) => ({ ...group("best"), object });
  const twoObjects = { objects, probes: { hooks: inObject("main"), extra: inObject("side") } };
  t.notThrows(() => prove({ sample: sampleCodec.layout }, twoObjects));
  t.throws(() => prove({ sample: { ...sampleCodec.layout, size: 8 } }, twoObjects), { code: "SKEP_ERR_LAYOUT" });
});
