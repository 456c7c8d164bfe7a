// SPDX-License-Identifier: MIT
// Strategies that are not the first choice here, and so would not be tried by the other tests, see the same.
import { runTraffic } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer, sameAsTruth } from "./observe.js";

live(
  "kretprobe, kprobe and probe reads give the same as fexit, fentry and casts",
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
  "where accept is not hooked, the holder or closer of a connection is its process",
  async (t) => {
    const observed = await observer(t, { strategies: { tcp_accept: "holders" } });
    const truth = await runTraffic(t, ["tcp-exchange", "--fork", "--connections", "3"], observed);
    const points = await observed.flush();
    for (const { server } of truth.connections) sameAsTruth(t, points, server!, { direction: "incoming" });
  },
  "ksym:bpf_sock_from_file",
);
