// SPDX-License-Identifier: MIT
// Round trip times and retransmits against `ss -ti`, which reads the same sockets by another way.
import { netnsPair, ssInfo, startTraffic } from "@skep/testkit";
import { observer } from "./observe.js";
import { live } from "./live.js";

live("rtt and rtt_var of live connections agree with ss at the same instant", async (t) => {
  const observed = await observer(t);
  const traffic = startTraffic(t, ["hold", "3", "--rounds", "20"], observed);
  const { connections } = await traffic.holding;
  // The connections are idle, so the kernel's numbers stand still.
  const points = await observed.flush();
  const sockets = ssInfo();
  let compared = 0;
  for (const { client } of connections) {
    const socket = sockets.find(
      ({ localPort, peerPort }) => localPort === client!.port && peerPort === client!.peerPort,
    );
    const point = points.find(({ tags }) => tags["src_port"] === String(client!.port));
    t.truthy(socket && point);
    t.true(Math.abs(Number(point!.fields["rtt"]) - socket!.rttMs * 1000) <= Math.max(1, socket!.rttMs * 50));
    t.true(Math.abs(Number(point!.fields["rtt_var"]) - socket!.rttVarMs * 1000) <= Math.max(1, socket!.rttVarMs * 50));
    compared++;
  }
  t.is(compared, 3);
  traffic.go();
  await traffic.done;
});

live(
  "retransmits over a lossy link are those that ss counts",
  async (t) => {
    const [here, there] = netnsPair(t, { netem: ["delay", "2ms", "loss", "8%"] });
    const observed = await observer(t, { scope: () => ({ netns: [here.path] }) });
    const server = startTraffic(
      t,
      ["hold", "4", "--role", "server", "--address", there.v4, "--rounds", "4", "--send", "200000", "--reply", "1000"],
      { netns: there },
    );
    const { ports } = await server.listening;
    const client = startTraffic(
      t,
      [
        "hold",
        "4",
        "--role",
        "client",
        "--address",
        there.v4,
        "--port",
        String(ports[0]),
        "--rounds",
        "4",
        "--send",
        "200000",
        "--reply",
        "1000",
      ],
      { netns: here },
    );
    const { connections } = await client.holding;
    await server.holding;
    const points = await observed.flush();
    const sockets = ssInfo({ netns: here });
    let lost = 0;
    for (const { client: end } of connections) {
      const socket = sockets.find(({ localPort }) => localPort === end!.port);
      const point = points.find(({ tags }) => tags["src_port"] === String(end!.port));
      t.truthy(socket && point);
      t.is(point!.fields["retransmits"], socket!.retransmits);
      t.true(Math.abs(Number(point!.fields["rtt"]) - socket!.rttMs * 1000) <= socket!.rttMs * 50 + 1);
      lost += socket!.retransmits;
    }
    t.true(lost > 0, "the link lost something");
    client.go();
    server.go();
    await Promise.all([client.done, server.done]);
  },
  "netem",
);
