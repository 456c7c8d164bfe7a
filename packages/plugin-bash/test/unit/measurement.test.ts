// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import test from "ava";
import fc from "fast-check";
import { messageOf } from "../../src/measurement.js";

const time = 1_700_000_000_123_456_789n;

test("the message is one line: local time, then pid, user and command in back-quotes", (t) => {
  t.regex(
    messageOf(time, 42, "ann", "ls `pwd`"),
    /^2023-11-1\dT\d\d:\d\d:20(Z|[+-]\d\d:\d\d) pid:`42` user:`ann` cmd:`ls `pwd``$/,
  );
});

test("control characters are escaped, and nothing else is changed", (t) => {
  const cmdOf = (cmd: string) => /cmd:`(.*)`$/s.exec(messageOf(time, 1, "a", cmd))![1];
  t.is(cmdOf("a\nb\tc\r\x1b[31m\x00\x7f\u0085\u2028"), "a\\nb\\tc\\r\\u001b[31m\\u0000\\u007f\\u0085\\u2028");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (cmd) => !/[\p{Cc}\u2028\u2029]/u.test(cmdOf(cmd)!)));
  t.is(cmdOf("echo 蜂 \\n é"), "echo 蜂 \\n é");
});

test("the time is that of this host's zone, as date(1) writes it", (t) => {
  const script = `import { messageOf } from ${JSON.stringify(new URL("../../src/measurement.ts", import.meta.url).href)};
    console.log(messageOf(${time}n, 1, "", "").slice(0, 25).trim());`;
  const root = new URL("../../../../scripts/ts-node.mjs", import.meta.url).href;
  for (const TZ of ["UTC", "Asia/Kolkata", "America/St_Johns"]) {
    const env = { ...process.env, TZ, NODE_OPTIONS: "" };
    const args = ["--import", root, "--conditions=skep-source", "--input-type=module", "-e", script];
    const ours = execFileSync(process.execPath, args, {
      env,
      encoding: "utf8",
      cwd: new URL("../../", import.meta.url),
    });
    const truth = execFileSync("date", ["--iso-8601=seconds", "--date", "@1700000000"], { env, encoding: "utf8" });
    t.is(ours.trim().replace(/ .*/, ""), truth.trim().replace("+00:00", "Z"), TZ);
  }
});
