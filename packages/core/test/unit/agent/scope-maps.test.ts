// SPDX-License-Identifier: MIT

import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { Session } from "../../../src/index.js";
import { fillScopeMaps, resolveScope, scopeMask, withDescendants } from "../../../src/agent/scope-maps.js";
import { FakeMap, FakeSession } from "../support/fake-backend.js";

/** A /proc with these processes: pid -> parent. */
function fakeProc(parents: Record<number, number>): string {
  const root = mkdtempSync(join(tmpdir(), "skep-proc-"));
  for (const [pid, ppid] of Object.entries(parents)) {
    mkdirSync(join(root, pid));
    writeFileSync(join(root, pid, "stat"), `${pid} (a) b) S ${ppid} ${"0 ".repeat(17)}100 0\n`);
  }
  return root;
}

const session = (...maps: FakeMap[]) => new FakeSession({ plugin: "a", probes: {} } as never, { maps }, []) as Session;

test("the mask has a bit for each kind the scope names", (t) => {
  t.is(scopeMask({}), 0);
  t.is(scopeMask({ cgroups: ["/x"] }), 1);
  t.is(scopeMask({ pids: [1], cgroups: [] }), 2);
  t.is(scopeMask({ cgroups: ["/x"], pids: [1], netns: ["/y"] }), 7);
});

test("the maps get inode numbers and pids in the kernel's byte order, children included", (t) => {
  const root = fakeProc({ 1: 0, 10: 1, 11: 10, 12: 11, 20: 1 });
  t.teardown(() => rmSync(root, { recursive: true }));
  const [cgroups, pids, netns] = [new FakeMap("scope_cgroups"), new FakeMap("scope_pids"), new FakeMap("scope_netns")];
  const resolved = resolveScope({ cgroups: [root], pids: [10], netns: [root] }, root, () => true);
  t.deepEqual(fillScopeMaps(session(cgroups, pids, netns), resolved, root), []);

  const inode = statSync(root, { bigint: true }).ino;
  const key = (values: Uint32Array | BigUint64Array) => new Uint8Array(values.buffer);
  t.deepEqual([...cgroups.entries.keys()], [key(BigUint64Array.of(inode)).join()]);
  t.deepEqual([...netns.entries.keys()], [key(Uint32Array.of(Number(inode & 0xffffffffn))).join()]);
  t.deepEqual([...pids.entries.keys()].sort(), [10, 11, 12].map((pid) => key(Uint32Array.of(pid)).join()).sort());
  t.deepEqual(cgroups.lookup(key(BigUint64Array.of(inode))), Uint8Array.of(1));
});

test("kinds of the scope that an object has no map for are told", (t) => {
  const resolved = { cgroups: [1n], pids: [], netns: [4] };
  t.deepEqual(fillScopeMaps(session(new FakeMap("scope_netns")), resolved, "/proc"), ["cgroups"]);
});

test("descendants are found through any number of generations", (t) => {
  const root = fakeProc({ 1: 0, 5: 1, 4: 5, 3: 4, 2: 3, 9: 1 });
  t.teardown(() => rmSync(root, { recursive: true }));
  t.deepEqual(withDescendants([5], root).sort(), [2, 3, 4, 5]);
});

test("a scope that names nothing that exists says what", (t) => {
  const code = "SKEP_ERR_SCOPE";
  t.throws(() => resolveScope({ pids: [4_194_305] }, "/proc"), { code, message: /process 4194305 does not exist/ });
  t.throws(() => resolveScope({ cgroups: ["/nowhere"] }, "/proc"), {
    code,
    message: /cgroup \/nowhere does not exist/,
  });
  t.throws(() => resolveScope({ netns: ["/nowhere"] }, "/proc"), { code, message: /network namespace \/nowhere/ });
  t.throws(() => resolveScope({ cgroups: [tmpdir()] }, "/proc"), { code, message: /is not a cgroup v2 directory/ });
});
