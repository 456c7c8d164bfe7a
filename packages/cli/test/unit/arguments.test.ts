// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { SkepError } from "@skep/core";
import { parsePluginFlags, splitCommandLine } from "../../src/arguments.js";

test("everything after the first -- is the command, untouched", (t) => {
  t.deepEqual(splitCommandLine(["run", "--a_b", "--", "curl", "--max_time", "--", "x"]), {
    own: ["run", "--a-b"],
    command: ["curl", "--max_time", "--", "x"],
  });
  t.is(splitCommandLine(["run"]).command, undefined);
});

test("underscores become hyphens in the name of an option, never in its value", (t) => {
  t.deepEqual(splitCommandLine(["--l7net_enabled=http_flow", "some_value"]).own, [
    "--l7net-enabled=http_flow",
    "some_value",
  ]);
});

test("an option takes the next word as its value unless that is an option", (t) => {
  t.deepEqual(parsePluginFlags(["--a", "1", "--b", "--c=2", "--no-d", "--e", "-5"]), {
    a: "1",
    b: true,
    c: "2",
    d: false,
    e: "-5",
  });
});

test("a repeated option is a list", (t) => {
  t.deepEqual(parsePluginFlags(["--a=1", "--a=2", "--a", "3"]), { a: ["1", "2", "3"] });
});

test("a word without an option is refused and the place of a COMMAND named", (t) => {
  const error = t.throws(() => parsePluginFlags(["--a=1", "curl"]), { instanceOf: SkepError });
  t.is(error.code, "SKEP_ERR_CONFIG");
  t.regex(error.message, /"curl"/);
  t.regex(error.hint ?? "", /after --/);
});

test("any value survives --key=value", (t) => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      t.deepEqual(parsePluginFlags([`--key=${value}`]), { key: value });
    }),
  );
});
