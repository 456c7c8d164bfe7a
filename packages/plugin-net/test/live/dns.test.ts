// SPDX-License-Identifier: MIT
// dnsflow against what a client counted, what a resolver logged and what a server that misbehaves really did.
import { execFileSync } from "node:child_process";
import type { Point } from "@skep/core";
import { liveTests, type Netns, patience, scopedCgroup, spawnIn, until } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import {
  type ClientTotals,
  dnsObserver,
  ofDns,
  runClient,
  sameCounts,
  scene,
  startClient,
  startDnsmasq,
  startServer,
} from "./dns-scene.js";
import { nothingUnaccounted, sum } from "./observe.js";

const needed = ["root", "cgroup2", "tp_btf", "netns"] as const;
const more = ["command:dnsmasq", "command:dig", "netem", "nat"] as const;
const register = await liveTests(test, [...needed, ...more]);
const live = (title: string, run: Parameters<typeof register>[2], ...also: (typeof more)[number][]) =>
  register([...needed, ...also], title, run);

/** What a client sent, each between two readings of its clock, and when it heard what. */
interface Answers {
  readonly sent: readonly { readonly fromNs: number; readonly untilNs: number }[];
  readonly answers: readonly { readonly afterNs: number }[];
}

/** Emulated kernels do tens of exchanges in the time in which this machine does thousands. */
const emulated = patience > 1;
const inside = ({ name }: Netns, ...command: string[]): void =>
  void execFileSync("ip", ["netns", "exec", name, ...command], { stdio: "pipe" });
const mean = (totals: readonly ClientTotals[]): number =>
  totals.reduce((sum, { sumNs }) => sum + sumNs, 0) / totals.reduce((sum, { count }) => sum + count, 0);

/** Names and ports are right, and no latency is longer than what the client measured around it. */
function describedAsMeasured(t: ExecutionContext, points: readonly Point[], totals: readonly ClientTotals[]): void {
  for (const { tags, fields } of points) {
    const outgoing = tags["direction"] === "outgoing";
    t.is(tags["process_name"], outgoing ? "node" : "dnsmasq");
    t.is(tags["src_port"], outgoing ? "*" : "53");
    t.is(tags["dst_port"], outgoing ? "53" : "*");
    t.true(Number(fields["latency"]) > 0 && Number(fields["latency"]) <= Number(fields["latency_max"]));
    if (!outgoing) continue;
    const same = totals.filter(
      ({ family, transport, rcode }) =>
        family === tags["family"] && transport === tags["transport"] && rcode === fields["rcode"],
    );
    t.true(Number(fields["latency"]) <= mean(same), `${fields["latency"]} ns, the client measured ${mean(same)}`);
    t.true(Number(fields["latency_max"]) <= Math.max(...same.map(({ maxNs }) => maxNs)));
  }
}

live(
  "every exchange of a client with dnsmasq is counted at both ends: UDP and TCP, IPv4 and IPv6, EDNS, errors, on every kernel",
  async (t) => {
    t.timeout(120_000 * patience);
    const observed = await dnsObserver(t);
    const { clientNs, serverNs, client, server } = scene(t, observed);
    t.is(observed.strategy("dns"), "cgroup_skb");
    const resolver = await startDnsmasq(t, server, [serverNs.v4, serverNs.v6]);
    // In each round no more than the ring holds, should the agent not get to run at all.
    const [rounds, udp, tcp, sockets] = emulated ? [1, 60, 30, 8] : [10, 800, 200, 80];
    for (let round = 0; round < rounds; round++) {
      const { pid, totals } = await runClient<{ totals: ClientTotals[] }>(t, client, "mixed", {
        servers: [serverNs.v4, serverNs.v6],
        udp,
        tcp,
        sockets,
      });
      const points = ofDns(await observed.flush());
      sameCounts(t, points, pid, "outgoing", totals);
      sameCounts(t, points, resolver.pid, "incoming", totals);
      const asked = totals.reduce((sum, { count }) => sum + count, 0);
      t.is(asked, udp + tcp);
      describedAsMeasured(t, points, totals);
    }
    const queries = rounds * (udp + tcp);
    await until(() => resolver.queriesFrom(clientNs.v4) + resolver.queriesFrom(clientNs.v6) === queries, {
      what: "the resolver's log has every query",
      deadlineMs: 20_000,
    });
    t.deepEqual(observed.status().counters.dropped, {});
    nothingUnaccounted(t, observed.status());
  },
  "command:dnsmasq",
);

live(
  "latency is what the network takes and no more than the client waits",
  async (t) => {
    const observed = await dnsObserver(t);
    const { serverNs, client, server } = scene(t, observed, { netem: ["delay", "30ms"] });
    const slow = await startServer(t, server, serverNs.v4);
    const asked = { server: serverNs.v4, name: "slow40.test", waitMs: 5_000 };
    const { pid, sent, answers } = await runClient<Answers>(t, client, "ask", asked);
    const points = ofDns(await observed.flush());
    const latencyOf = (who: number) =>
      Number(points.find(({ tags }) => tags["pid"] === String(who))?.fields["latency"]);
    t.true(latencyOf(pid) >= 100e6, `${latencyOf(pid)} ns with 30 ms each way and 40 ms in the server`);
    const waited = answers[0]!.afterNs - sent[0]!.fromNs;
    t.true(latencyOf(pid) <= waited, `${latencyOf(pid)} ns, the client waited ${waited}`);
    t.true(latencyOf(slow.pid) >= 40e6 && latencyOf(slow.pid) <= latencyOf(pid) - 60e6, `${latencyOf(slow.pid)} ns`);
  },
  "netem",
);

live("no answer is -1, a late one is told apart, a repeated query is one exchange", async (t) => {
  t.timeout(60_000 * patience);
  const observed = await dnsObserver(t);
  const { serverNs, client, server } = scene(t, observed);
  const odd = await startServer(t, server, serverNs.v4);
  const ask = (name: string, plan: object = {}) =>
    runClient<Answers>(t, client, "ask", { server: serverNs.v4, name, waitMs: 10_000, ...plan });
  const [never, late, thirdly, nobody] = await Promise.all([
    ask("never.test", { waitMs: 100, atMs: [0, 20] }),
    ask("slow6500.test"),
    ask("thirdly.test", { atMs: [0, 150, 300] }),
    ask("a.test", { server: serverNs.v6, waitMs: 100 }),
  ]);
  t.is(late.answers.length, 1);
  const givenUp = async () => {
    await observed.flush();
    const unanswered = ofDns(observed.points).filter(({ fields }) => fields["rcode"] === -1);
    return sum(unanswered, "count") === 5;
  };
  // The last one may have been asked just now.
  await until(givenUp, { what: "what is not answered is given up at both ends", deadlineMs: 10_000, everyMs: 500 });
  const points = ofDns(observed.points);
  const of = (pid: number, direction: string) =>
    points
      .filter(({ tags }) => tags["pid"] === String(pid) && tags["direction"] === direction)
      .map(({ fields }) => [fields["rcode"], fields["count"]]);
  t.deepEqual(of(never.pid, "outgoing"), [[-1, 1]]);
  t.deepEqual(of(late.pid, "outgoing"), [[-1, 1]]);
  t.deepEqual(of(nobody.pid, "outgoing"), [[-1, 1]], "nobody listens there");
  t.deepEqual(of(thirdly.pid, "outgoing"), [[0, 1]]);
  const repeated = points.find(({ tags }) => tags["pid"] === String(thirdly.pid));
  const latency = Number(repeated?.fields["latency"]);
  t.true(latency >= thirdly.sent[2]!.fromNs - thirdly.sent[0]!.untilNs, `${latency} ns from the first query on`);
  t.true(latency <= thirdly.answers[0]!.afterNs - thirdly.sent[0]!.fromNs, `${latency} ns`);
  const served = points.filter(({ tags }) => tags["direction"] === "incoming");
  sameCounts(t, served, odd.pid, "incoming", [
    { family: "IPv4", transport: "udp", rcode: -1, count: 2 },
    { family: "IPv4", transport: "udp", rcode: 0, count: 1 },
  ]);
  t.true(served.every(({ tags }) => tags["pid"] === String(odd.pid)));
  t.deepEqual(observed.status().counters.dropped, { late_answer: 2 }, "at the client and at the server");
  nothingUnaccounted(t, observed.status());
});

live("answers to nothing are dropped with a reason, an error without question ends its exchange", async (t) => {
  const observed = await dnsObserver(t);
  const { serverNs, client, server } = scene(t, observed);
  await startServer(t, server, serverNs.v6);
  const ask = (name: string) => runClient(t, client, "ask", { server: serverNs.v6, name, waitMs: 5_000 });
  const { pid: twice } = await ask("twice.test");
  const { pid: wrong } = await ask("wrong.test");
  const { pid: refused } = await ask("refused.test");
  const points = ofDns(await observed.flush());
  for (const [pid, rcode] of [
    [twice, 0],
    [wrong, 0],
    [refused, 5],
  ] as const) {
    sameCounts(t, points, pid, "outgoing", [{ family: "IPv6", transport: "udp", rcode, count: 1 }]);
  }
  t.deepEqual(observed.status().counters.dropped, { no_query: 2 * 3 }, "at the client and at the server");
  nothingUnaccounted(t, observed.status());
});

live(
  "a truncated answer and the same over TCP are two exchanges",
  async (t) => {
    const observed = await dnsObserver(t, { config: { dnsflow_question_tags: true } });
    const { serverNs, client, server } = scene(t, observed);
    await startDnsmasq(t, server, [serverNs.v4]);
    const asked = { server: serverNs.v4, name: "big.test" };
    const { pid, truncated, length } = await runClient<{ truncated: boolean; length: number }>(
      t,
      client,
      "fallback",
      asked,
    );
    t.true(truncated);
    t.true(length > 1_500);
    const points = ofDns(await observed.flush()).filter(({ tags }) => tags["pid"] === String(pid));
    const expected = { family: "IPv4", rcode: 0, count: 1 } as const;
    sameCounts(t, points, pid, "outgoing", [
      { ...expected, transport: "udp" },
      { ...expected, transport: "tcp" },
    ]);
    for (const { tags } of points) t.like(tags, { question_name: "big.test", question_type: "TXT" });
  },
  "command:dnsmasq",
);

live(
  "dig is seen as it says itself",
  async (t) => {
    const observed = await dnsObserver(t);
    const { serverNs, client, server } = scene(t, observed);
    await startDnsmasq(t, server, [serverNs.v4, serverNs.v6]);
    const dig = async (...args: string[]) => {
      const program = spawnIn(t, client, "dig", [...args, "+tries=1"]);
      const lines: string[] = [];
      for await (const line of program.lines) lines.push(line);
      return { pid: program.pid, status: /status: (\w+)/.exec(lines.join("\n"))?.[1] };
    };
    const udp = await dig(`@${serverNs.v4}`, "a.test", "A");
    const missing = await dig(`@${serverNs.v6}`, "missing.test", "AAAA");
    const tcp = await dig(`@${serverNs.v4}`, "big.test", "TXT", "+noedns");
    t.deepEqual([udp.status, missing.status, tcp.status], ["NOERROR", "NXDOMAIN", "NOERROR"]);
    const points = ofDns(await observed.flush());
    sameCounts(t, points, udp.pid, "outgoing", [{ family: "IPv4", transport: "udp", rcode: 0, count: 1 }]);
    sameCounts(t, points, missing.pid, "outgoing", [{ family: "IPv6", transport: "udp", rcode: 3, count: 1 }]);
    sameCounts(t, points, tcp.pid, "outgoing", [
      { family: "IPv4", transport: "udp", rcode: 0, count: 1 },
      { family: "IPv4", transport: "tcp", rcode: 0, count: 1 },
    ]);
  },
  "command:dnsmasq",
  "command:dig",
);

live(
  "a connection to an address that was resolved a moment ago has the name that was asked for as its domain",
  async (t) => {
    const observed = await dnsObserver(t);
    const { serverNs, client, server } = scene(t, observed);
    await startDnsmasq(t, server, [serverNs.v4]);
    const port = 8080;
    const echo = `require("node:net").createServer((socket) => socket.pipe(socket)).listen(${port}, () => console.log("ready"))`;
    await spawnIn(t, server, process.execPath, ["-e", echo]).lines.next();
    const connected = await runClient<{ address: string }>(t, client, "connect", { name: "alias.test", port });
    t.is(connected.address, serverNs.v4);
    const points = await observed.flush();
    const connection = points.find(
      ({ measurement, tags }) => measurement === "netflow" && tags["dst_port"] === String(port),
    );
    t.like(connection?.tags, { dst_ip: serverNs.v4, dst_domain: "alias.test", pid: String(connected.pid) });
  },
  "command:dnsmasq",
);

live("of a scope by process only its exchanges are seen, both messages of them", async (t) => {
  const cgroup = scopedCgroup(t, "dns");
  const { serverNs, client, server } = scene(t, { cgroup });
  await startServer(t, server, serverNs.v4);
  const plan = { server: serverNs.v4, name: "a.test", waitMs: 5_000 };
  const inside = startClient(t, client, "ask", { ...plan, wait: true });
  const narrow = await dnsObserver(t, { scope: () => ({ pids: [inside.client.pid] }) });
  const outside = await runClient(t, client, "ask", plan);
  inside.client.writeLine("go");
  const { pid } = await inside.done;
  const points = ofDns(await narrow.flush());
  sameCounts(t, points, pid, "outgoing", [{ family: "IPv4", transport: "udp", rcode: 0, count: 1 }]);
  t.deepEqual(
    points.filter(({ tags }) => tags["pid"] === String(outside.pid)),
    [],
  );
  t.is(points.length, 1);
  nothingUnaccounted(t, narrow.status());
});

live("a scope of a process and another cgroup is those two, not the cgroup the process is in", async (t) => {
  const [shared, own] = [scopedCgroup(t, "dns-shared"), scopedCgroup(t, "dns-own")];
  const { serverNs, client, server } = scene(t, { cgroup: shared });
  await startServer(t, server, serverNs.v4);
  const plan = { server: serverNs.v4, name: "a.test", waitMs: 5_000 };
  const inside = startClient(t, client, "ask", { ...plan, wait: true });
  const observed = await dnsObserver(t, { scope: () => ({ cgroups: [own.path], pids: [inside.client.pid] }) });
  const outside = await runClient(t, client, "ask", plan);
  const inCgroup = await runClient(t, { ...client, cgroup: own }, "ask", plan);
  inside.client.writeLine("go");
  const { pid } = await inside.done;
  const points = ofDns(await observed.flush());
  const once = [{ family: "IPv4", transport: "udp", rcode: 0, count: 1 }] as const;
  sameCounts(t, points, pid, "outgoing", once);
  sameCounts(t, points, inCgroup.pid, "outgoing", once);
  sameCounts(t, points, outside.pid, "outgoing", []);
  t.is(points.length, 2, "the server is out of scope");
  nothingUnaccounted(t, observed.status());
});

live(
  "through address translation of this host an exchange has the address and port that were asked",
  async (t) => {
    const observed = await dnsObserver(t);
    const { clientNs, serverNs, client, server } = scene(t, observed);
    const virtual = "198.51.100.9";
    await startServer(t, server, serverNs.v4, 5353);
    inside(clientNs, "ip", "route", "add", virtual, "via", serverNs.v4);
    inside(
      clientNs,
      "nft",
      "add table ip skep; add chain ip skep out { type nat hook output priority -100 ; }; " +
        `add rule ip skep out ip daddr ${virtual} udp dport 53 dnat to ${serverNs.v4}:5353`,
    );
    const { pid, answers } = await runClient<Answers>(t, client, "ask", {
      server: virtual,
      name: "a.test",
      waitMs: 5_000,
    });
    t.is(answers.length, 1);
    const points = ofDns(await observed.flush());
    sameCounts(t, points, pid, "outgoing", [{ family: "IPv4", transport: "udp", rcode: 0, count: 1 }]);
    t.like(points[0]?.tags, { src_ip: clientNs.v4, dst_ip: virtual, dst_port: "53" });
    t.deepEqual(observed.status().counters.dropped, {});
  },
  "nat",
);
