// SPDX-License-Identifier: MIT
// The helpers of live tests, on a real kernel: what they promise and what they leave behind.
import { existsSync } from "node:fs";
import test from "ava";
import {
  linksOf,
  liveTests,
  mapsOf,
  netnsPair,
  programsOf,
  runTraffic,
  scopedCgroup,
  spawnIn,
  ssInfo,
  startTraffic,
  until,
} from "../../src/index.js";

const live = await liveTests(test, [
  "root",
  "cgroup2",
  "netns",
  "netem",
  "command:ss",
  "command:bpftool",
  "tp_btf",
  "uprobe",
  "iter",
]);

live(
  ["root", "cgroup2"],
  "a process in a scoped cgroup has it from its first instruction, and both are gone in the end",
  async (t) => {
    const cgroup = scopedCgroup(t, "helpers");
    const sleeper = spawnIn(t, { cgroup }, "sh", [
      "-c",
      "while read line; do case $line in 0::*) echo $line;; esac; done < /proc/self/cgroup; exec sleep 60",
    ]);
    const { value: line } = await sleeper.lines.next();
    t.true(String(line).endsWith(cgroup.path.slice(cgroup.path.lastIndexOf("/"))));
    t.deepEqual(cgroup.pids(), [sleeper.pid]);
    await cgroup.remove();
    t.false(existsSync(cgroup.path));
    t.is((await sleeper.exited).signal, "SIGKILL");
    await cgroup.remove();
  },
);

live(["root", "cgroup2"], "a cgroup that cannot be entered stops the command from running outside", async (t) => {
  const lost = spawnIn(t, { cgroup: { path: "/sys/fs/cgroup/no-such-cgroup" } }, "sh", ["-c", "echo ran"]);
  t.true((await lost.lines.next()).done);
  t.is((await lost.exited).code, 126);
});

live(["root", "netns"], "two namespaces reach each other by IPv4 and IPv6 and count the same bytes", async (t) => {
  const [left, right] = netnsPair(t);
  for (const [family, address] of [["4", right.v4], ["6", right.v6]] as const) {
    const place = ["--family", family, "--address", address];
    const server = startTraffic(t, ["tcp-exchange", "--role", "server", ...place], { netns: right });
    const { ports } = await server.listening;
    const client = await runTraffic(t, ["tcp-exchange", "--role", "client", ...place, "--port", String(ports[0])], { netns: left });
    const [ours] = client.connections;
    const [theirs] = (await server.done).connections;
    t.is(ours!.client!.sent, theirs!.server!.received);
    t.is(ours!.client!.netns, left.inode);
    t.is(theirs!.server!.netns, right.inode);
    t.is(theirs!.server!.peerAddress, family === "4" ? left.v4 : left.v6);
  }
}); // prettier-ignore

live(["root", "netns", "netem", "command:ss"], "a delayed cable shows in the round trip times the kernel reports", async (t) => {
  const [left, right] = netnsPair(t, { netem: ["delay", "20ms"] });
  const server = startTraffic(t, ["hold", "--role", "server", "--address", right.v4], { netns: right });
  const { ports } = await server.listening;
  const client = startTraffic(t, ["hold", "--role", "client", "--address", right.v4, "--port", String(ports[0])], { netns: left });
  const [held] = (await client.holding).connections;
  t.true(held!.client!.tcpInfo!.minRttUs >= 40_000, `${held!.client!.tcpInfo!.minRttUs} us`);
  const [socket] = ssInfo({ netns: left });
  t.is(socket!.localPort, held!.client!.port);
  t.true(socket!.rttMs >= 40);
  client.go();
  await client.done;
  server.go();
  await server.done;
}); // prettier-ignore

live(["command:ss"], "ss and the generator agree on a connection's bytes and cookie", async (t) => {
  const traffic = startTraffic(t, ["hold", "--send", "5000", "--reply", "7000"]);
  const { client } = (await traffic.holding).connections[0]!;
  const find = () => ssInfo().find((socket) => socket.cookie === BigInt(client!.cookie).toString(16));
  const socket = await until(find, { what: "the connection in ss" });
  t.is(socket.localPort, client!.port);
  // One more than the payload: the SYN counts as a byte.
  t.is(socket.bytesAcked, 5001);
  t.is(socket.bytesReceived, 7000);
  traffic.go();
  await traffic.done;
});

live(
  ["tp_btf", "uprobe", "iter", "command:bpftool"],
  "probing for requirements leaves nothing of ours in the kernel",
  (t) => {
    t.deepEqual([programsOf(process.pid), mapsOf(process.pid), linksOf(process.pid)], [[], [], []]);
  },
);
