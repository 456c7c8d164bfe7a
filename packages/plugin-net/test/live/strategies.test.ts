// SPDX-License-Identifier: MIT
// Strategies see the same: the first choice of a kernel, and those that are not and so would not be tried by the other tests.
import { runTraffic } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer, sameAsTruth } from "./observe.js";

const tcp = [
  ["tcp-exchange", "--fork", "--connections", "2"],
  ["tcp-exchange", "--fork", "--connections", "2", "--family", "6"],
  ["tcp-exchange", "--fork", "--family", "mapped", "--send", "70001", "--reply", "130003"],
  ["short", "--connections", "10", "--send", "11", "--reply", "23"],
];
const udp = [
  ["udp-exchange", "--fork", "--messages", "3"],
  ["udp-exchange", "--fork", "--family", "6", "--connected"],
  ["udp-exchange", "--fork", "--family", "mapped", "--call", "sendmmsg", "--batch", "4", "--messages", "8"],
];

// One agent for all: loading its programs takes a while under emulation.
live("the best strategies see connections and datagrams of each family exactly, on every kernel", async (t) => {
  const observed = await observer(t);
  for (const traffic of tcp) {
    const truth = await runTraffic(t, traffic, observed);
    const points = await observed.flush();
    for (const { client, server } of truth.connections) {
      sameAsTruth(t, points, client!, { direction: "outgoing" });
      sameAsTruth(t, points, server!, { direction: "incoming" });
    }
  }
  for (const traffic of udp) {
    const truth = await runTraffic(t, traffic, observed);
    const points = await observed.flush();
    for (const { client, server } of truth.connections) {
      sameAsTruth(t, points, client!, { direction: "outgoing", transport: "udp", pid: client!.pid });
      sameAsTruth(t, points, server!, { direction: "incoming", transport: "udp", pid: server!.pid });
    }
  }
  nothingUnaccounted(t, observed.status());
});

live(
  "kretprobe, kprobe and probe reads give the same as fexit, fentry and casts, on every kernel",
  async (t) => {
    const observed = await observer(t, {
      strategies: { tcp_accept: "kretprobe", udp: "kprobe", tcp_harvest: "probe_read" },
    });
    const tcp = await runTraffic(t, ["tcp-exchange", "--fork", "--connections", "2", "--family", "6"], observed);
    const udp = await runTraffic(t, ["udp-exchange", "--fork", "--messages", "3"], observed);
    await observed.flush();
    for (const { client, server } of tcp.connections) {
      sameAsTruth(t, observed.points, client!, { direction: "outgoing" });
      sameAsTruth(t, observed.points, server!, { direction: "incoming" });
    }
    for (const { client, server } of udp.connections) {
      sameAsTruth(t, observed.points, client!, { direction: "outgoing", transport: "udp", pid: client!.pid });
      sameAsTruth(t, observed.points, server!, { direction: "incoming", transport: "udp", pid: server!.pid });
    }
    nothingUnaccounted(t, observed.status());
  },
  "kprobe",
  "kretprobe",
);

live(
  "where accept is not hooked, the holder or closer of a connection is its process, on every kernel",
  async (t) => {
    const observed = await observer(t, { strategies: { tcp_accept: "holders" } });
    const truth = await runTraffic(t, ["tcp-exchange", "--fork", "--connections", "3"], observed);
    const points = await observed.flush();
    for (const { server } of truth.connections) sameAsTruth(t, points, server!, { direction: "incoming" });
  },
  "ksym:bpf_sock_from_file",
);
