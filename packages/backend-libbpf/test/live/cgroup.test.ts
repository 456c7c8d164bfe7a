// SPDX-License-Identifier: MIT

import { cProgram, scopedCgroup, spawnIn, type Place, type Teardown } from "@skep/testkit";
import test from "ava";
import { readdirSync } from "node:fs";
import type { Attach, OpenRequest, Scope, Session, SkepError, Strategy } from "@skep/core";
import { Host } from "../../src/host.js";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { nothingLeft } from "./support/kernel.js";
import { group, request } from "./support/request.js";

const bytes = await compile("cgroup");
const hooks = ["egress", "ingress", "connect4", "sendmsg4", "sock_create", "sock_release", "sockops_connect"] as const;
const programs: Record<string, Attach> = {
  count_egress: { kind: "cgroup_skb", direction: "egress" },
  count_ingress: { kind: "cgroup_skb", direction: "ingress" },
  count_connect4: { kind: "cgroup_sock_addr", hook: "connect4" },
  count_sendmsg4: { kind: "cgroup_sock_addr", hook: "sendmsg4" },
  count_sock_create: { kind: "cgroup_sock", hook: "sock_create" },
  count_sock_release: { kind: "cgroup_sock", hook: "sock_release" },
  count_sockops: { kind: "sockops" },
};
const all: Strategy = { name: "all", programs };
const ask = (scope: Scope, strategy = all): OpenRequest =>
  request({ objects: { cgroup: bytes }, probes: { traffic: group(strategy) }, scope });

async function totals(session: Session): Promise<Record<string, { count: number; bytes: number }>> {
  const found: Record<string, { count: number; bytes: number }> = {};
  await session.map("hook_totals").scan((key, value) => {
    const [count, size] = new BigUint64Array(value.bytes.slice(value.at, value.at + value.length).buffer);
    found[hooks[key.u32[key.at >> 2]!]!] = { count: Number(count), bytes: Number(size) };
  });
  return found;
}

/** 40 datagrams of 100 bytes from one socket to another, and one TCP connection that is refused. */
const sockets = cProgram(new URL("support/sockets.c", import.meta.url));
async function traffic(t: Teardown, place: Place = {}): Promise<void> {
  const { code, stderr } = await spawnIn(t, place, sockets).exited;
  if (code !== 0) throw new Error(`${sockets}: ${stderr}`);
}

test.serial("two users of one cgroup each count what its processes really did, and nothing of others", async (t) => {
  const cgroup = scopedCgroup(t, "traffic");
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const sessions = [
    await backend.open(ask({ cgroups: [cgroup.path] })),
    await backend.open(ask({ cgroups: [cgroup.path] })),
  ];
  for (const session of sessions) await session.attach();
  await traffic(t);
  await traffic(t, { cgroup });
  await traffic(t);
  for (const session of sessions) {
    const { egress, ingress, ...others } = await totals(session);
    // 28 bytes of IP and UDP headers; besides the SYN of the refused connection out and its RST in.
    t.is(egress?.count, 41);
    t.is(ingress?.count, 41);
    t.true(egress!.bytes > 40 * 128 && egress!.bytes < 40 * 128 + 200);
    t.deepEqual(Object.fromEntries(Object.entries(others).map(([name, { count }]) => [name, count])), {
      connect4: 1,
      sendmsg4: 40,
      sock_create: 4,
      sock_release: 4,
      sockops_connect: 1,
    });
  }
  await sessions[0]!.close();
  await traffic(t, { cgroup });
  t.is((await totals(sessions[1]!))["sendmsg4"]?.count, 80, "the other user stays attached");
});

test.serial("one program may go to several directions and cgroups at once", async (t) => {
  const parent = scopedCgroup(t, "several-a");
  const other = scopedCgroup(t, "several-b");
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const both: Strategy = {
    name: "both",
    programs: {
      count_egress: [
        { kind: "cgroup_skb", direction: "egress" },
        { kind: "cgroup_skb", direction: "ingress", cgroup: other.path },
      ],
    },
  };
  const session = await backend.open(ask({ cgroups: [parent.path, other.path] }, both));
  await session.attach();
  await traffic(t, { cgroup: parent });
  t.is((await totals(session))["egress"]?.count, 41);
  await traffic(t, { cgroup: other });
  t.is((await totals(session))["egress"]?.count, 41 + 2 * 41);
});

test.serial("choosing for the whole host touches no cgroup of others and leaves none of its own", async (t) => {
  const root = new Host().cgroupRoot()!;
  const backend = libbpfBackend();
  const before = readdirSync(root).filter((name) => name.startsWith("skep-trial"));
  t.is((await backend.choose(ask({})))["traffic"]?.name, "all");
  t.deepEqual(
    readdirSync(root).filter((name) => name.startsWith("skep-trial")),
    before,
  );
  t.true(await nothingLeft(Object.keys(programs)));
});

test.serial("a hook that is not the program's, and a cgroup that is gone, are told in words", async (t) => {
  const cgroup = scopedCgroup(t, "wrong");
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const session = await backend.open(ask({ cgroups: [cgroup.path] }));
  const wrong = t.throws<SkepError>(() =>
    session.attachTo("count_connect4", { kind: "cgroup_sock_addr", hook: "connect6" }),
  );
  t.is(wrong?.code, "SKEP_ERR_ATTACH");
  t.regex(wrong?.message ?? "", /attach program count_connect4 \(cgroup_sock_addr connect6\): EINVAL/);
  const unknown = t.throws<SkepError>(() =>
    session.attachTo("count_connect4", { kind: "cgroup_sock_addr", hook: "connect7" }),
  );
  t.regex(unknown?.message ?? "", /no hook cgroup\/connect7/);
  const gone = t.throws<SkepError>(() =>
    session.attachTo("count_sockops", { kind: "sockops", cgroup: `${cgroup.path}/x` }),
  );
  t.regex(gone?.message ?? "", /ENOENT.*cgroup .*\/x/);
});

test.serial("without a cgroup v2 hierarchy opening a cgroup program says so, and how to mount one", async (t) => {
  const error = await t.throwsAsync<SkepError>(libbpfBackend({ host: { cgroup: "/nonexistent" } }).open(ask({})));
  t.is(error?.code, "SKEP_ERR_CGROUP2_MISSING");
  t.regex(error?.message ?? "", /no strategy of probe group traffic works here/);
  t.regex(error?.hint ?? "", /mount -t cgroup2/);
});
