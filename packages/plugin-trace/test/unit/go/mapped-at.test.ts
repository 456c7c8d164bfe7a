// SPDX-License-Identifier: MIT
import test from "ava";
import { mappedAt } from "../../../src/go/mapped-at.js";

const maps = `
00400000-00401000 r--p 00000000 08:01 11                                 /srv/app
00401000-00600000 r-xp 00001000 08:01 11                                 /srv/app
00600000-00700000 r--p 00200000 08:01 11                                 /srv/app
c000000000-c000400000 rw-p 00000000 00:00 0 
7f0000000000-7f0000100000 r-xp 00001000 08:01 12                         /usr/lib/libc.so.6
`;

test("code is where the executable mapping of its file is", (t) => {
  t.deepEqual(mappedAt(maps, "/srv/app", { start: 0x1000, end: 0x2000 }), { start: 0x401000, end: 0x402000 });
  t.deepEqual(mappedAt(maps, "/srv/app", { start: 0x1800, end: 0x200000 }), { start: 0x401800, end: 0x600000 });
});

test("a file that was deleted since is still found", (t) => {
  const deleted = maps.replaceAll("/srv/app", "/srv/app (deleted)");
  t.is(mappedAt(deleted, "/srv/app", { start: 0x1000, end: 0x2000 })?.start, 0x401000);
});

test("code that is not mapped whole, or not to be executed, is nowhere", (t) => {
  t.is(mappedAt(maps, "/srv/app", { start: 0x1000, end: 0x300000 }), undefined);
  t.is(mappedAt(maps, "/srv/app", { start: 0x10, end: 0x20 }), undefined);
  t.is(mappedAt(maps, "/srv/other", { start: 0x1000, end: 0x2000 }), undefined);
  t.is(mappedAt("", "/srv/app", { start: 0x1000, end: 0x2000 }), undefined);
});
