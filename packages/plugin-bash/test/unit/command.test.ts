// SPDX-License-Identifier: MIT

import test from "ava";
import fc from "fast-check";
import { lineOf, lineOfExec, lineOfFish, lineOfZle } from "../../src/command.js";

const bytes = (text: string) => Buffer.from(text);

test("a line of up to 4,096 bytes is whole, a longer one is cut and says so", (t) => {
  t.deepEqual(lineOf(bytes("x".repeat(4096))), { cmd: "x".repeat(4096), truncated: false });
  t.deepEqual(lineOf(bytes("x".repeat(4097))), { cmd: "x".repeat(4096), truncated: true });
});

test("a line is cut between characters, wherever they lie", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 4000, maxLength: 4200 }), (text) => {
      const { cmd, truncated } = lineOf(bytes(text));
      t.true(text.startsWith(cmd));
      t.is(truncated, Buffer.byteLength(text) > 4096);
      const length = Buffer.byteLength(cmd);
      t.true(truncated ? length > 4092 && length <= 4096 : cmd === text);
    }),
    { numRuns: 50 },
  );
});

test("bytes that are no UTF-8 do not end a line", (t) => {
  t.is(lineOf(Uint8Array.of(0x61, 0xff, 0xc3, 0x62)).cmd, "a\ufffd\ufffdb");
});

/** metafy() of zsh: bytes 0x83 to 0xa2 are its own. */
const metafied = (text: string) =>
  Buffer.from([...bytes(text)].flatMap((byte) => (byte >= 0x83 && byte <= 0xa2 ? [0x83, byte ^ 0x20] : [byte])));

test("whatever is typed into zsh comes out of its encoding as it was", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
      t.deepEqual(lineOfZle(metafied(`${text}\n`)), { cmd: text, truncated: false });
    }),
  );
  t.true(lineOfZle(metafied("ä".repeat(2500))).truncated);
});

test("the new command is the last entry of what fish writes, with its own escapes undone", (t) => {
  const entry = (cmd: string) => `- cmd: ${cmd}\n  when: 1795366577\n`;
  t.is(lineOfFish(bytes(entry("echo hello world"))).cmd, "echo hello world");
  t.is(
    lineOfFish(bytes(`${entry("first")}  paths:\n    - /tmp\n${entry("for i in 1 2\\necho a\\\\nb\\nend")}`)).cmd,
    "for i in 1 2\necho a\\nb\nend",
  );
  t.is(lineOfFish(bytes(`ut off\n  when: 17\n${entry("ls - cmd: x")}`)).cmd, "ls - cmd: x");
  t.is(lineOfFish(bytes("no entry at all")).cmd, "");
});

const execOf = (...words: string[]) => lineOfExec(bytes(words.map((word) => `${word}\0`).join("")))?.cmd;

test("a bash that is given a command or a script is told with its command line", (t) => {
  t.is(execOf("bash", "-c", "echo hi; ls"), "bash -c 'echo hi; ls'");
  t.is(execOf("/bin/bash", "./backup.sh", "--full"), "/bin/bash ./backup.sh --full");
  t.is(execOf("bash", "-euo", "pipefail", "-lc", "true"), "bash -euo pipefail -lc true");
  t.is(execOf("bash", "--rcfile", "/tmp/rc", "-x", "script"), "bash --rcfile /tmp/rc -x script");
  t.is(execOf("bash", "--", "-odd"), "bash -- -odd");
  t.is(execOf("bash", "-c", "it's", "", "ü"), "bash -c 'it'\\''s' '' 'ü'");
});

test("a bash that asks its user or reads its input is not", (t) => {
  for (const words of [
    ["bash"],
    ["-bash"],
    ["bash", "-l"],
    ["bash", "--norc", "-i"],
    ["bash", "-s"],
    ["bash", "-o", "vi"],
    ["bash", "+O", "extglob"],
    ["bash", "--rcfile", "x"],
    ["bash", "--"],
    [""],
  ]) {
    t.is(execOf(...words), undefined, words.join(" "));
  }
});

test("no bytes make the reader of arguments throw", (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (any) => void lineOfExec(any)));
  t.is(lineOfExec(bytes(`bash\0-c\0${"x".repeat(5000)}\0`))?.truncated, true);
});
