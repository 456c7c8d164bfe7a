// SPDX-License-Identifier: MIT
// A few seconds of what test/fuzz/http.ts does with ten million inputs.

import test from "ava";
import { HttpInputs } from "../../fuzz/http-inputs.js";
import { random } from "../../fuzz/random.js";

const INPUTS = 30_000;

test("hostile bytes make no decoder throw, and nothing is kept of a connection that is closed", async (t) => {
  const seed = Date.now() % 2 ** 31;
  const inputs = await HttpInputs.create(random(seed));
  t.notThrows(() => {
    for (let input = 0; input < INPUTS; input++) inputs.make()();
  }, `seed ${seed}`);
  t.true(inputs.told > 0, "some of it is still HTTP");
});
