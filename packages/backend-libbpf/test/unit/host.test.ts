// SPDX-License-Identifier: MIT

import test from "ava";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SkepError } from "@skep/core";
import { cgroupsOf, trialCgroups } from "../../src/cgroups.js";
import { Host } from "../../src/host.js";

/** A tree that stands for /proc, /sys and the cgroup v2 mount. */
function fabricate(t: { teardown(fn: () => void): void }): string {
  const root = mkdtempSync(join(tmpdir(), "skep-host-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "sys/kernel/security"), { recursive: true });
  mkdirSync(join(root, "cgroup/app/web"), { recursive: true });
  mkdirSync(join(root, "cgroup/app2"), { recursive: true });
  mkdirSync(join(root, "proc/42"), { recursive: true });
  writeFileSync(join(root, "proc/42/cgroup"), "4:memory:/elsewhere\n0::/app/web\n");
  return root;
}
const hostOf = (root: string) =>
  new Host({ proc: join(root, "proc"), sys: join(root, "sys"), cgroup: join(root, "cgroup") });

test("the lockdown mode is the one in brackets, and unknown without securityfs", (t) => {
  const root = fabricate(t);
  t.is(hostOf(root).lockdown(), undefined);
  writeFileSync(join(root, "sys/kernel/security/lockdown"), "none [integrity] confidentiality\n");
  t.is(hostOf(root).lockdown(), "integrity");
});

test("the whole host is the root of the hierarchy, and so is a network namespace", (t) => {
  const root = fabricate(t);
  t.deepEqual(cgroupsOf({}, hostOf(root)), [join(root, "cgroup")]);
  t.deepEqual(cgroupsOf({ netns: ["/proc/42/ns/net"], pids: [42] }, hostOf(root)), [join(root, "cgroup")]);
});

test("a process is observed in its own cgroup v2, not in a v1 one", (t) => {
  const root = fabricate(t);
  t.deepEqual(cgroupsOf({ pids: [42] }, hostOf(root)), [join(root, "cgroup/app/web")]);
});

test("a cgroup below another one of the scope is not attached twice, a namesake beside it is kept", (t) => {
  const root = fabricate(t);
  const [app, app2] = [join(root, "cgroup/app"), join(root, "cgroup/app2")];
  t.deepEqual(cgroupsOf({ cgroups: [app, app2, `${app}/`], pids: [42] }, hostOf(root)), [app, app2]);
});

test("a scope that names what is not there is refused", (t) => {
  const root = fabricate(t);
  for (const scope of [{ cgroups: [join(root, "cgroup/gone")] }, { pids: [4711] }]) {
    t.is(t.throws<SkepError>(() => cgroupsOf(scope, hostOf(root)))?.code, "SKEP_ERR_SCOPE");
  }
});

test("without a cgroup v2 hierarchy cgroup programs are refused with the mend", (t) => {
  const error = t.throws<SkepError>(() => cgroupsOf({}, new Host({ cgroup: "/nonexistent/cgroup" })));
  t.is(error?.code, "SKEP_ERR_CGROUP2_MISSING");
  t.regex(error?.hint ?? "", /mount -t cgroup2/);
});

test("a trial for the whole host goes to a cgroup of its own, which goes away with it", (t) => {
  const root = fabricate(t);
  const { cgroups, remove } = trialCgroups({}, hostOf(root));
  t.regex(cgroups[0]!, /cgroup\/skep-trial-/);
  remove();
  t.throws(() => cgroupsOf({ cgroups }, hostOf(root)));
  t.deepEqual(trialCgroups({ pids: [42] }, hostOf(root)).cgroups, [join(root, "cgroup/app/web")]);
});
