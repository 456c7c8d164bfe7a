// SPDX-License-Identifier: MIT

import test from "ava";
import { assertApi, speaksApi } from "../../../src/registry/api-version.js";

for (const [plugin, host, fits] of [
  ["1.0", "1.0", true],
  ["1.0", "1.4", true],
  ["1.4.2", "1.4", true],
  ["1.5", "1.4", false],
  ["2.0", "1.4", false],
  ["1.0", "2.0", false],
  ["1.1-beta.1", "1.1-beta.1", true],
  ["1.1-beta.1", "1.1", false],
  ["1.0", "1.1-beta.1", false],
  ["one", "1.0", false],
] as const) {
  test(`a plugin for API ${plugin} ${fits ? "fits" : "does not fit"} a host of ${host}`, (t) => {
    t.is(speaksApi(plugin, host), fits);
  });
}

test("a refusal names both versions and who has to be updated", (t) => {
  const error = t.throws(() => assertApi("9.0", "package x"), { code: "SKEP_ERR_PLUGIN_API" }) as { hint?: string };
  t.is(String(error), "SkepError: package x is written for plugin API 9.0, this is 1.0");
  t.is(error.hint, "update @skep/core");
});
