// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { LoginNames } from "../../src/login-names.js";

const identity = "         0          0 4294967295\n";

function setUp(t: ExecutionContext) {
  const proc = mkdtempSync(join(tmpdir(), "skep-users-"));
  t.teardown(() => rmSync(proc, { recursive: true }));
  const etc = (pid: number) => join(proc, `${pid}-root/etc`);
  const passwd = (pid: number, text: string, uidMap = identity) => {
    mkdirSync(etc(pid), { recursive: true });
    mkdirSync(join(proc, String(pid)), { recursive: true });
    rmSync(join(proc, String(pid), "root"), { force: true });
    symlinkSync(join(proc, `${pid}-root`), join(proc, String(pid), "root"));
    writeFileSync(join(proc, String(pid), "uid_map"), uidMap);
    writeFileSync(join(etc(pid), "passwd"), text);
  };
  const end = (pid: number) => rmSync(join(proc, String(pid)), { recursive: true });
  return { users: new LoginNames(proc), passwd, end, etc, proc };
}

test("a uid has the name of the process's own passwd file, and is itself without one", (t) => {
  const { users, passwd } = setUp(t);
  passwd(10, "root:x:0:0:The Boss:/root:/bin/bash\nann:x:1000:100:Ann Bee,,,:/home/ann:/bin/bash\n");
  passwd(11, "root:x:0:0::/:/bin/sh\ndocker:x:1000:1000::/:/bin/sh\n");
  t.is(users.nameOf(10, 1000), "ann");
  t.is(users.nameOf(11, 1000), "docker");
  t.is(users.nameOf(10, 0), "root");
  t.is(users.nameOf(10, 4711), "4711");
});

test("of several names the first counts, and lines that are none are passed over", (t) => {
  const { users, passwd } = setUp(t);
  passwd(10, "# users\n\n+::::::\nx:y\n:x:5:5::/:\nroot:x:0:0::/:\ntoor:x:0:0::/:\nodd:x:minus:0::/:\n");
  t.is(users.nameOf(10, 0), "root");
  t.is(users.nameOf(10, 5), "5");
});

test("in a user namespace a uid is what the process takes it for", (t) => {
  const { users, passwd } = setUp(t);
  passwd(
    10,
    "root:x:0:0::/:\nann:x:1000:0::/:\n",
    "         0       1000          1\n         1     100000      65536\n",
  );
  t.is(users.nameOf(10, 1000), "root");
  t.is(users.nameOf(10, 100_999), "ann");
  t.is(users.nameOf(10, 100_004), "5");
  t.is(users.nameOf(10, 77), "77", "no uid of the namespace");
});

test("a change of the file is seen", (t) => {
  const { users, passwd } = setUp(t);
  passwd(10, "ann:x:1000:0::/:\n");
  t.is(users.nameOf(10, 1000), "ann");
  passwd(10, "anna:x:1000:0::/:\n");
  t.is(users.nameOf(10, 1000), "anna");
});

test("a process that is gone had the users it had, one never looked at those of the host", (t) => {
  const { users, passwd, end } = setUp(t);
  passwd(1, "hostess:x:1000:0::/:\n");
  passwd(10, "ann:x:1000:0::/:\n");
  users.look(10);
  end(10);
  t.is(users.nameOf(10, 1000), "ann");
  t.is(users.nameOf(11, 1000), "hostess");
});

test("a process that is ending has no root any more, and the users it had", (t) => {
  const { users, passwd, proc } = setUp(t);
  passwd(10, "ann:x:1000:0::/:\n");
  t.is(users.nameOf(10, 1000), "ann");
  rmSync(join(proc, "10/root"));
  t.is(users.nameOf(10, 1000), "ann");
});

test("a container without a passwd file has no names, and none is lent to it", (t) => {
  const { users, passwd, etc } = setUp(t);
  passwd(1, "hostess:x:1000:0::/:\n");
  passwd(10, "");
  rmSync(join(etc(10), "passwd"));
  t.is(users.nameOf(10, 1000), "1000");
});

test("a link that leads out of the container is not followed, a pipe not waited at", (t) => {
  const { users, passwd, etc } = setUp(t);
  for (const pid of [10, 11]) {
    passwd(pid, "");
    rmSync(join(etc(pid), "passwd"));
  }
  symlinkSync("/etc/passwd", join(etc(10), "passwd"));
  execFileSync("mkfifo", [join(etc(11), "passwd")]);
  t.is(users.nameOf(10, 0), "0");
  t.is(users.nameOf(11, 0), "0");
});
