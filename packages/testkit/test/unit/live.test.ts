// SPDX-License-Identifier: MIT
import test, { type TestFn } from "ava";
import { fakeKernel, liveTests } from "../../src/index.js";
import { isDemanded } from "../../src/live/live.js";
import { probedBy } from "../../src/live/requirement.js";

/** Collects what is registered instead of running it. */
function collector() {
  const run: string[] = [];
  const skipped: string[] = [];
  const implementations = new Map<string, (t: unknown) => unknown>();
  const register = (list: string[]) => (title: string, implementation: (t: unknown) => unknown) => {
    list.push(title);
    implementations.set(title, implementation);
  };
  const serial = Object.assign(register(run), { skip: register(skipped) });
  return { test: { serial } as unknown as TestFn, run, skipped, implementations };
}

const backend = fakeKernel({ verdicts: { fentry: "lockdown: no module BTF\nand more", "iter:tcp": true } });
const asked = ["tp_btf", "fentry", "fentry:tcp_close", "map:ringbuf", "command:sh", "command:no-such-command-there-is"];
/** Probes of the kernel need root; these tests do not. */
const isRoot = process.getuid?.() === 0;

test("a test whose requirements are met runs, another is skipped with the reason in its title", async (t) => {
  const { test: fake, run, skipped } = collector();
  const live = await liveTests(fake, asked, { backend, require: "" });
  live(["command:sh"], "has a shell", () => {});
  live(["command:sh", "command:no-such-command-there-is"], "has it all", () => {});
  t.deepEqual(run, ["has a shell"]);
  t.deepEqual(skipped, [
    "has it all (skipped: command:no-such-command-there-is: there is no command no-such-command-there-is)",
  ]);
  if (!isRoot) return;
  live(["tp_btf", "map:ringbuf"], "sees exits", () => {});
  live(["fentry:tcp_close"], "sees closes", () => {});
  t.is(run.at(-1), "sees exits");
  t.is(skipped.at(-1), "sees closes (skipped: fentry:tcp_close: lockdown: no module BTF)");
});

test("what LIVE_REQUIRE names fails instead of being skipped", async (t) => {
  const { test: fake, run, skipped, implementations } = collector();
  const live = await liveTests(fake, asked, { backend, require: "raw_tp, command" });
  live(["command:no-such-command-there-is"], "demanded", () => {});
  t.deepEqual([run, skipped], [["demanded"], []]);
  let message = "";
  implementations.get("demanded")!({ fail: (text: string) => (message = text) });
  t.regex(message, /LIVE_REQUIRE demands it.*no-such-command/);
  t.true(isDemanded("fentry:tcp_close", ["fentry"]));
  t.true(isDemanded("fentry:tcp_close", ["all"]));
  t.false(isDemanded("fentry:tcp_close", ["fentry:tcp_open", "tp_btf", ""]));
});

test("a requirement nobody asked about beforehand is a mistake, not a skip", async (t) => {
  const live = await liveTests(collector().test, [], { backend });
  t.throws(() => live(["tp_btf"], "x", () => {}), { message: /among the requirements/ });
});

test("requirements become what a backend is asked", (t) => {
  t.deepEqual(probedBy("fentry:tcp_close"), { kind: "fentry", fn: "tcp_close" });
  t.deepEqual(probedBy("tracepoint:sock/inet_sock_set_state"), {
    kind: "tracepoint",
    category: "sock",
    event: "inet_sock_set_state",
  });
  t.deepEqual(probedBy("cgroup_skb:egress"), { kind: "cgroup_skb", direction: "egress" });
  t.deepEqual(probedBy("map:ringbuf"), "map:ringbuf");
  t.deepEqual(probedBy("sockops"), { kind: "sockops" });
  const uprobe = probedBy("uprobe:malloc");
  t.like(uprobe, { kind: "uprobe", symbol: "malloc" });
  t.regex((uprobe as { target: { path: string } }).target.path, /libc/);
  t.throws(() => probedBy("telepathy"), { message: /telepathy/ });
});
