// SPDX-License-Identifier: MIT
// netflow over UDP against what the programs at both ends really did. Runs on every kernel of the matrix.
import { runTraffic, startTraffic } from "@skep/testkit";
import { nothingUnaccounted, observer, sameAsTruth } from "./observe.js";
import { live } from "./live.js";

for (const options of [
  ["--family", "4"],
  ["--family", "6"],
  ["--family", "mapped"],
  ["--connected"],
  ["--family", "6", "--connected"],
  ["--call", "sendmsg", "--peers", "3"],
  ["--call", "sendmmsg", "--batch", "4", "--messages", "8"],
  ["--peek", "--messages", "5"],
  ["--client-family", "4", "--family", "mapped"],
]) {
  live(`datagrams are exact on both ends: udp-exchange ${options.join(" ")}`, async (t) => {
    const observed = await observer(t);
    const truth = await runTraffic(
      t,
      [
        "udp-exchange",
        "--fork",
        "--connections",
        "2",
        "--messages",
        "4",
        "--send",
        "512",
        "--reply",
        "1200",
        ...options,
      ],
      observed,
    );
    const points = await observed.flush();
    for (const { client, server } of truth.connections) {
      sameAsTruth(t, points, client!, { direction: "outgoing", transport: "udp", pid: client!.pid });
      sameAsTruth(t, points, server!, { direction: "incoming", transport: "udp", pid: server!.pid });
    }
    nothingUnaccounted(t, observed.status());
  });
}

live("a server that never answers is incoming", async (t) => {
  const observed = await observer(t);
  const truth = await runTraffic(t, ["udp-exchange", "--no-reply", "--messages", "6"], observed);
  const points = await observed.flush();
  const { client, server } = truth.connections[0]!;
  sameAsTruth(t, points, client!, { direction: "outgoing", transport: "udp", pid: client!.pid });
  sameAsTruth(t, points, server!, { direction: "incoming", transport: "udp", pid: server!.pid });
});

live("no datagram is counted twice or left out while the two maps take turns", async (t) => {
  const observed = await observer(t);
  const traffic = startTraffic(t, ["udp-exchange", "--messages", "4000", "--send", "100", "--reply", "100"], observed);
  let running = true;
  const flushing = (async () => {
    while (running) await observed.flush();
  })();
  const truth = await traffic.done;
  running = false;
  await flushing;
  await observed.flush();
  const { client, server } = truth.connections[0]!;
  sameAsTruth(t, observed.points, client!, { direction: "outgoing", transport: "udp", pid: client!.pid });
  sameAsTruth(t, observed.points, server!, { direction: "incoming", transport: "udp", pid: server!.pid });
  nothingUnaccounted(t, observed.status());
});
