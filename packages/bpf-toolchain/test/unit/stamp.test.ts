// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { parseDepfile } from "../../src/stamp.js";

test("a depfile is read across continued lines", (t) => {
  t.deepEqual(parseDepfile("zoo.o: bpf/zoo.bpf.c bpf/types.h \\\n  /usr/include/bpf/bpf_helpers.h\n"), [
    "bpf/zoo.bpf.c",
    "bpf/types.h",
    "/usr/include/bpf/bpf_helpers.h",
  ]);
});

test("names with spaces, hashes and dollars survive a compiler's escaping", (t) => {
  const name = fc.stringMatching(/^[a-z $#/.-]*[a-z]$/).filter((text) => !text.startsWith(" "));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1 }), (names) => {
      const escaped = names.map((text) => text.replace(/[ #]/g, "\\$&").replace(/\$/g, "$$$$"));
      t.deepEqual(parseDepfile(`out.o: ${escaped.join(" \\\n  ")}\n`), names);
    }),
  );
});
