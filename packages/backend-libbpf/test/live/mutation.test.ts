// SPDX-License-Identifier: MIT

import { scopedCgroup } from "@skep/testkit";
import test from "ava";
import type { Attach, OpenRequest, SkepError } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { nothingLeft } from "./support/kernel.js";
import { group, request } from "./support/request.js";

const bytes = await compile("harmful");
const ask = (program: string, where: Attach, over: Partial<OpenRequest> = {}): OpenRequest =>
  request({
    objects: { harmful: bytes },
    probes: { x: group({ name: "x", programs: { [program]: where } }) },
    ...over,
  });

const egress: Attach = { kind: "cgroup_skb", direction: "egress" };
const refusals: readonly (readonly [string, Attach, RegExp])[] = [
  ["kills", { kind: "raw_tp", event: "sys_enter" }, /program kills \(raw_tracepoint\) calls bpf_send_signal/],
  ["drops", egress, /program drops \(cgroup_skb\) is not proven to return 1/],
  ["marks", egress, /program marks \(cgroup_skb\) writes into its context/],
  ["redirects", { kind: "cgroup_sock_addr", hook: "connect4" }, /program redirects .* writes into its context/],
  ["tunes", { kind: "sockops" }, /program tunes \(sock_ops\) calls bpf_setsockopt/],
  ["steers", { kind: "raw_tp", event: "sys_enter" }, /program steers \(xdp\) is of a type that acts/],
];
for (const [program, where, reason] of refusals) {
  test.serial(`${program}: a program that could is refused before it is loaded`, async (t) => {
    const backend = libbpfBackend();
    for (const attempt of [backend.choose(ask(program, where)), backend.open(ask(program, where))]) {
      const error = await t.throwsAsync<SkepError>(attempt);
      t.is(error?.code, "SKEP_ERR_MUTATION");
      t.regex(error?.message ?? "", reason);
    }
    t.true(await nothingLeft([program]));
  });
}

test.serial("an embedder who means it may load one, into a cgroup where nobody is", async (t) => {
  const { path: cgroup } = scopedCgroup(t, "harmful");
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const session = await backend.open(ask("drops", egress, { allowMutation: true, scope: { cgroups: [cgroup] } }));
  await session.attach();
  t.true(session.hasProgram("drops"));
});

test.serial("a harmless program beside harmful ones is loaded", async (t) => {
  const backend = libbpfBackend();
  const choice = await backend.choose(ask("looks", { kind: "cgroup_skb", direction: "ingress" }));
  t.is(choice["x"]?.name, "x");
});
