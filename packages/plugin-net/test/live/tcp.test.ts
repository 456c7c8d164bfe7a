// SPDX-License-Identifier: MIT
// netflow over TCP against what the programs at both ends really did. Runs on every kernel of the matrix.
import { runTraffic, startTraffic } from "@skep/testkit";
import { nothingUnaccounted, observer, pointsOf, sameAsTruth, sum } from "./observe.js";
import { live } from "./live.js";

for (const family of ["4", "6", "mapped"]) {
  live(`both ends of connections over family ${family} are exact, with direction, pid and name`, async (t) => {
    const observed = await observer(t);
    const truth = await runTraffic(
      t,
      [
        "tcp-exchange",
        "--fork",
        "--family",
        family,
        "--connections",
        "3",
        "--rounds",
        "2",
        "--send",
        "70001",
        "--reply",
        "130003",
      ],
      observed,
    );
    const points = await observed.flush();
    for (const { client, server } of truth.connections) {
      t.not(client!.openPid, server!.openPid);
      sameAsTruth(t, points, client!, { direction: "outgoing" });
      sameAsTruth(t, points, server!, { direction: "incoming" });
    }
    t.is(points.length, 6);
    nothingUnaccounted(t, observed.status());
  });
}

live("connections that live for microseconds are complete", async (t) => {
  const observed = await observer(t);
  const truth = await runTraffic(t, ["short", "--connections", "40", "--send", "11", "--reply", "23"], observed);
  const points = await observed.flush();
  for (const { client, server } of truth.connections) {
    sameAsTruth(t, points, client!, { direction: "outgoing" });
    sameAsTruth(t, points, server!, { direction: "incoming" });
  }
  nothingUnaccounted(t, observed.status());
});

for (const [close, closer] of [
  ["fin", "client"],
  ["fin", "server"],
  ["rst", "client"],
  ["rst", "server"],
  ["half", "client"],
  ["half", "server"],
] as const) {
  live(`a connection ended by ${close} of the ${closer} is closed once on both ends, to the byte`, async (t) => {
    const observed = await observer(t);
    const truth = await runTraffic(
      t,
      ["tcp-exchange", "--fork", "--close", close, "--closer", closer, "--send", "5000", "--reply", "9000"],
      observed,
    );
    const points = await observed.flush();
    const { client, server } = truth.connections[0]!;
    sameAsTruth(t, points, client!, { direction: "outgoing" });
    sameAsTruth(t, points, server!, { direction: "incoming" });
  });
}

live("what was moved in an interval is told in it, the rest at the close", async (t) => {
  const observed = await observer(t);
  const traffic = startTraffic(t, ["hold", "2", "--fork", "--send", "3000", "--reply", "4000"], observed);
  const held = await traffic.holding;
  const first = await observed.flush();
  for (const { client, server } of held.connections) {
    sameAsTruth(t, first, client!, { direction: "outgoing", closed: 0 });
    sameAsTruth(t, first, server!, { direction: "incoming", closed: 0 });
  }
  t.deepEqual(await observed.flush(), [], "an idle connection makes no points");
  traffic.go();
  const truth = await traffic.done;
  const last = await observed.flush();
  for (const { client, server } of truth.connections) {
    for (const end of [client!, server!]) {
      const found = pointsOf(last, "tcp", end);
      t.is(sum(found, "tcp_closed"), 1);
      t.is(sum(found, "tcp_established"), 0);
      t.is(sum(found, "bytes_read") + sum(found, "bytes_written"), 0);
    }
  }
  nothingUnaccounted(t, observed.status());
});

live("a connection nobody accepts is incoming, belongs to the listener's process and is closed with it", async (t) => {
  const observed = await observer(t);
  const truth = await runTraffic(t, ["never-accept", "--connections", "2", "--send", "777"], observed);
  const points = await observed.flush();
  for (const { client } of truth.connections) {
    sameAsTruth(t, points, client!, { direction: "outgoing" });
    const server = points.filter(({ tags }) => tags["dst_port"] === String(client!.port));
    t.deepEqual(
      server.map(({ tags, fields }) => [
        tags["direction"],
        tags["pid"],
        fields["bytes_read"],
        fields["tcp_established"],
        fields["tcp_closed"],
      ]),
      [["incoming", String(client!.openPid), 0, 1, 1]],
      "nothing was read: nobody was there to read it",
    );
  }
});

for (const pass of ["fork", "scm"] as const) {
  live(`a descriptor passed on by ${pass} stays the connection of the process that accepted it`, async (t) => {
    const observed = await observer(t);
    const truth = await runTraffic(t, ["fork-pass", "--pass", pass, "--send", "600", "--reply", "1200"], observed);
    const points = await observed.flush();
    const { client, server } = truth.connections[0]!;
    t.not(server!.closePid, server!.openPid, "another process closed it");
    sameAsTruth(t, points, client!, { direction: "outgoing" });
    // Where accept cannot be hooked, one that was handed to a process which was there already belongs to who closes it.
    const unsure = pass === "scm" && observed.strategy("tcp_accept") === "holders";
    const pid = unsure ? Number(pointsOf(points, "tcp", server!)[0]?.tags["pid"]) : server!.openPid;
    t.true([server!.openPid, server!.closePid].includes(pid));
    sameAsTruth(t, points, server!, { direction: "incoming", pid });
  });
}

live("connects that are refused are not connections", async (t) => {
  const observed = await observer(t);
  const truth = await runTraffic(t, ["listen-late", "--refused", "5"], observed);
  const points = await observed.flush();
  t.is(truth.refused.length, 5);
  t.is(sum(points, "tcp_established"), 2);
  const { client, server } = truth.connections[0]!;
  sameAsTruth(t, points, client!, { direction: "outgoing" });
  sameAsTruth(t, points, server!, { direction: "incoming" });
});

live("client ports are folded into one flow, as the reference does by default", async (t) => {
  const observed = await observer(t, { config: { ephemeral_port: 0 } });
  const truth = await runTraffic(t, ["tcp-exchange", "--fork", "--connections", "5"], observed);
  const points = await observed.flush();
  const serverPort = String(truth.connections[0]!.server!.port);
  t.deepEqual(points.map(({ tags }) => [tags["direction"], tags["src_port"], tags["dst_port"]]).sort(), [
    ["incoming", serverPort, "*"],
    ["outgoing", "*", serverPort],
  ]);
  for (const { fields } of points) t.is(fields["tcp_established"], 5);
});

live("loopback is left out unless it is asked for", async (t) => {
  const observed = await observer(t, { config: { loopback: false } });
  await runTraffic(t, ["tcp-exchange"], observed);
  await runTraffic(t, ["udp-exchange"], observed);
  await runTraffic(t, ["tcp-exchange", "--family", "6"], observed);
  t.deepEqual(await observed.flush(), []);
});

live("ipv6_disabled leaves IPv6 out and keeps IPv4 over IPv6 sockets", async (t) => {
  const observed = await observer(t, { config: { ipv6_disabled: true } });
  await runTraffic(t, ["tcp-exchange", "--family", "6"], observed);
  await runTraffic(t, ["udp-exchange", "--family", "6"], observed);
  t.deepEqual(await observed.flush(), []);
  const truth = await runTraffic(t, ["tcp-exchange", "--family", "mapped"], observed);
  sameAsTruth(t, await observed.flush(), truth.connections[0]!.client!, { direction: "outgoing" });
});

live("more connections than the map holds are counted as lost, and those in it are exact", async (t) => {
  const observed = await observer(t, { config: { max_connections: 16 } });
  const traffic = startTraffic(t, ["hold", "20"], observed);
  await traffic.holding;
  await observed.flush();
  t.is(observed.points.length, 16);
  t.is(observed.status().counters.dropped["map_full"], 2 * 20 - 16);
  for (const { fields } of observed.points) t.is(Number(fields["bytes_read"]) + Number(fields["bytes_written"]), 3000);
  traffic.go();
  await traffic.done;
  await observed.flush();
  nothingUnaccounted(t, observed.status());
});
