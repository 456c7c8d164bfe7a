// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { networkNamespaces } from "../../src/namespaces.js";

/** A /proc with processes 1 and 42 in two namespaces, and a third one that is only mounted. */
function proc(t: ExecutionContext): { procRoot: string; fsRoot: string } {
  const procRoot = mkdtempSync(join(tmpdir(), "skep-proc-"));
  t.teardown(() => rmSync(procRoot, { recursive: true }));
  for (const [pid, inode] of [
    ["1", 4026531840],
    ["42", 4026532177],
    ["43", 4026532177],
  ] as const) {
    mkdirSync(join(procRoot, pid, "ns"), { recursive: true });
    symlinkSync(`net:[${inode}]`, join(procRoot, pid, "ns/net"));
  }
  mkdirSync(join(procRoot, "99")); // has just exited
  mkdirSync(join(procRoot, "sys"));
  writeFileSync(
    join(procRoot, "1/mountinfo"),
    [
      "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw",
      "44 22 0:4 net:[4026532299] /run/netns/deep\\040blue rw shared:2 - nsfs nsfs rw",
      "45 22 0:4 net:[4026532177] /run/netns/red rw - nsfs nsfs rw",
      "46 22 0:4 mnt:[4026532300] /run/other rw - nsfs nsfs rw",
      "",
    ].join("\n"),
  );
  return { procRoot, fsRoot: "/rootfs" };
}

test("namespaces are those of processes and those that are mounted, below the host's root", async (t) => {
  const host = proc(t);
  t.deepEqual(
    [...(await networkNamespaces({}, host))],
    [
      [4026531840, join(host.procRoot, "1/ns/net")],
      [4026532177, join(host.procRoot, "42/ns/net")],
      [4026532299, "/rootfs/run/netns/deep blue"],
    ],
  );
});

test("a scope by network namespace is kept to", async (t) => {
  const host = proc(t);
  const path = join(host.procRoot, "1/mountinfo");
  t.deepEqual([...(await networkNamespaces({ netns: [path] }, host))], [[statSync(path).ino, path]]);
  t.is((await networkNamespaces({ netns: [path], pids: [42] }, host)).size, 4, "kinds of scope add up");
});

test("a host that shows nothing has no namespaces", async (t) => {
  t.is((await networkNamespaces({}, { procRoot: "/nonexistent/proc", fsRoot: "/" })).size, 0);
});
