// SPDX-License-Identifier: MIT
import { type Agent, createAgent, type NatQuery, type NatTarget, type PluginStatus } from "@skep/core";
import { fakeClock, type FakeClock, fakeKernel, type FakeKernel } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import { natRecord } from "../../src/codec.gen.js";
import { conntrack } from "../../src/index.js";
import { Entry, Kind } from "../../src/nat/entry.js";
import { asker } from "../support/asker.js";
import { type Flow, flow, words } from "./support/entries.js";

const query: NatQuery = {
  transport: "tcp",
  localIp: flow.src,
  localPort: flow.sport,
  remoteIp: flow.dst,
  remotePort: flow.dport,
  netns: flow.netns,
};
const target = { ip: "192.0.2.2", port: 8080 };

interface Run {
  readonly kernel: FakeKernel;
  readonly clock: FakeClock;
  readonly agent: Agent;
  /** The kernel says what happened to an entry. */
  tell(kind: number, over?: Partial<Flow>): void;
  ask(over?: Partial<NatQuery>): NatTarget | undefined;
  flush(): Promise<void>;
  status(): PluginStatus;
}

/** The plugin on a kernel in memory, without network namespaces: what it knows it has from the ring. */
async function start(t: ExecutionContext, config: Record<string, unknown> = {}): Promise<Run> {
  const kernel = fakeKernel({ plugin: conntrack });
  const clock = fakeClock();
  const asking = asker();
  const agent = createAgent({
    backend: kernel,
    plugins: [{ plugin: conntrack, config }, asking.plugin],
    clock,
    hostname: "test-host",
    env: { HOST_PROC: "/nonexistent/proc", HOST_ROOT: "/nonexistent" },
  });
  await agent.start();
  await clock.settle();
  t.teardown(() => clock.run(agent.stop()));
  return {
    kernel,
    clock,
    agent,
    tell: (kind, over) => kernel.ring("entries").push(new Uint8Array(words(over, kind as Kind).buffer)),
    ask: (over) => asking.ask({ ...query, ...over }),
    flush: () => clock.run(agent.flush()),
    status: () => agent.status().plugins.find(({ name }) => name === conntrack.name)!,
  };
}

test("words of the table are those of struct nat_record", (t) => {
  const offsetOf = (name: string) => natRecord.layout.fields.find((field) => field.name === name)!.offset;
  t.deepEqual(
    ["src_addr", "dst_addr", "src_port", "netns", "zone", "nat_addr", "nat_port"].map((name) => offsetOf(name) / 4),
    [Entry.src, Entry.dst, Entry.ports, Entry.netns, Entry.kind, Entry.nat, Entry.natPort],
  );
  t.deepEqual([offsetOf("transport"), offsetOf("kind")], [Entry.kind * 4 + 2, Entry.kind * 4 + 3]);
});

test("who asks is told what the kernel has said up to that moment", async (t) => {
  const run = await start(t);
  t.is(run.ask(), undefined);
  run.tell(Kind.TRANSLATED);
  t.deepEqual(run.ask(), target, "without waiting for the drain clock");
  run.tell(Kind.PLAIN);
  t.is(run.ask(), undefined);
});

test("IPv4, mapped or not, is the same flow; IPv6 is asked and answered in text", async (t) => {
  const run = await start(t);
  run.tell(Kind.TRANSLATED);
  run.tell(Kind.TRANSLATED, { src: "fd00::1", dst: "fd00::9", to: ["fd00::2", 443] });
  t.deepEqual(run.ask({ localIp: `::ffff:${flow.src}`, remoteIp: `::ffff:${flow.dst}` }), target);
  t.deepEqual(run.ask({ localIp: "fd00:0:0::1", remoteIp: "FD00::9" }), { ip: "fd00::2", port: 443 });
  t.is(run.ask({ localIp: "not an address" }), undefined);
});

test("ports above 32767 and both transports are told apart", async (t) => {
  const run = await start(t);
  run.tell(Kind.TRANSLATED, { sport: 65535, dport: 65534, to: ["192.0.2.2", 65533], transport: "udp" });
  t.deepEqual(run.ask({ transport: "udp", localPort: 65535, remotePort: 65534 }), { ip: "192.0.2.2", port: 65533 });
  t.is(run.ask({ localPort: 65535, remotePort: 65534 }), undefined);
});

test("a flow whose entry ended keeps its answer while it is asked for, and for three intervals", async (t) => {
  const run = await start(t);
  run.tell(Kind.TRANSLATED);
  run.tell(Kind.ENDED);
  for (let interval = 0; interval < 6; interval++) {
    t.deepEqual(run.ask(), target);
    await run.clock.advance(60_000);
  }
  for (let interval = 0; interval < 4; interval++) await run.clock.advance(60_000);
  t.is(run.ask(), undefined);
});

test("flushing again and again does not make it forget sooner", async (t) => {
  const run = await start(t);
  run.tell(Kind.TRANSLATED);
  run.tell(Kind.ENDED);
  for (let flush = 0; flush < 20; flush++) await run.flush();
  t.deepEqual(run.ask(), target);
});

test("every record is accounted for: kept, nothing new, without room, or undecodable", async (t) => {
  const run = await start(t, { max_nat_entries: 16 });
  for (let sport = 1; sport <= 20; sport++) run.tell(Kind.TRANSLATED, { sport });
  run.tell(Kind.TRANSLATED, { sport: 1 });
  run.tell(Kind.ENDED, { sport: 2 });
  run.tell(Kind.ENDED, { sport: 99 });
  run.tell(Kind.PLAIN, { sport: 99 });
  run.tell(77);
  await run.flush();
  t.like(run.status().counters, {
    observed: 25,
    emitted: 0,
    aggregated: 17,
    dropped: { table_full: 4, nothing_new: 3, undecodable: 1 },
    pending: 0,
  });
});

test("once the plugin is stopped nobody is told anything", async (t) => {
  const run = await start(t);
  run.tell(Kind.TRANSLATED);
  t.deepEqual(run.ask(), target);
  await run.clock.run(run.agent.stop());
  t.is(run.ask(), undefined);
});
