// SPDX-License-Identifier: MIT
// The generator needs no privileges: on loopback its own two ends are each other's truth.
import test from "ava";
import { runTraffic, startTraffic, type TrafficConnection } from "../../src/index.js";

/** What one end sent the other received, and each sent what was asked for. */
function balanced({ client, server }: TrafficConnection, sent: number, received: number): boolean {
  if (client === null || server === null) return false;
  const bytes = [client.sent, server.received, client.received, server.sent];
  return bytes.join() === [sent, sent, received, received].join() && client.cookie !== server.cookie;
}

for (const close of ["fin", "rst", "half", "none"]) {
  for (const closer of ["client", "server"]) {
    test(`tcp-exchange counts every byte when the ${closer} closes by ${close}`, async (t) => {
      const args = [
        "--connections",
        "3",
        "--rounds",
        "2",
        "--send",
        "70001",
        "--reply",
        "3",
        "--close",
        close,
        "--closer",
        closer,
      ];
      const { connections } = await runTraffic(t, ["tcp-exchange", ...args]);
      t.is(connections.length, 3);
      for (const connection of connections) {
        t.true(balanced(connection, 140_002, 6));
        t.is(connection.client!.closedNs === null, close === "none");
        t.is(connection.client!.port, connection.server!.peerPort);
      }
    });
  }
}

for (const family of ["4", "6", "mapped"]) {
  test(`family ${family} is what both ends speak`, async (t) => {
    for (const command of ["tcp-exchange", "udp-exchange"]) {
      const { connections } = await runTraffic(t, [command, "--family", family, "--fork"]);
      const { client, server } = connections[0]!;
      t.true(balanced(connections[0]!, 1000, 2000));
      t.is(server!.address, { 4: "127.0.0.1", 6: "::1", mapped: "::ffff:127.0.0.1" }[family]!);
      t.is(server!.family, family === "4" ? 4 : 6);
      t.not(client!.pid, server!.pid);
    }
  });
}

test("connections at once and one after another carry the same bytes", async (t) => {
  const { connections } = await runTraffic(t, ["tcp-exchange", "--threads", "--connections", "20", "--send", "500000"]);
  t.is(connections.filter((connection) => balanced(connection, 500_000, 2000)).length, 20);
});

test("short connections are over before a timer could see them", async (t) => {
  const { connections } = await runTraffic(t, ["short", "--connections", "50"]);
  const lives = connections.map(({ client }) => client!.closedNs! - client!.openedNs).sort((a, b) => a - b);
  const median = lives[25]!;
  t.true(median < 1e6, `median ${median} ns`);
});

test("hold keeps connections open until it is told to go on", async (t) => {
  const traffic = startTraffic(t, ["hold", "4", "--close", "fin"]);
  const held = await traffic.holding;
  t.is(held.connections.filter((connection) => balanced(connection, 1000, 2000)).length, 4);
  t.true(held.connections.every(({ client, server }) => client!.closedNs === null && server!.closedNs === null));
  traffic.go();
  const { connections } = await traffic.done;
  t.true(connections.every(({ client, server }) => client!.closedNs! > 0 && server!.closedNs! > 0));
});

test("nothing is sent before a waiting generator is told to", async (t) => {
  const traffic = startTraffic(t, ["tcp-exchange", "--wait"]);
  const { ports, clientPid } = await traffic.listening;
  t.is(ports.length, 1);
  t.is(clientPid, traffic.pid);
  const before = process.hrtime.bigint();
  traffic.go();
  const { connections } = await traffic.done;
  t.true(connections[0]!.client!.openedNs > Number(before));
  t.is(connections[0]!.server!.port, ports[0]!);
});

for (const pass of ["fork", "scm"]) {
  test(`a connection passed on by ${pass} is accepted by one process and closed by another`, async (t) => {
    const { connections } = await runTraffic(t, ["fork-pass", "--pass", pass, "--connections", "2"]);
    for (const connection of connections) {
      t.true(balanced(connection, 1000, 2000));
      const { openPid, pid, closePid } = connection.server!;
      t.not(openPid, pid);
      t.is(closePid!, pid);
    }
  });
}

test("a connection that is never accepted has no server's end", async (t) => {
  const { connections } = await runTraffic(t, ["never-accept", "--connections", "2", "--send", "300"]);
  t.deepEqual(connections.map(({ client, server }) => [client!.sent, server]), [[300, null], [300, null]]); // prettier-ignore
});

test("connects before listen are refused and told apart from the one after", async (t) => {
  const { connections, refused } = await runTraffic(t, ["listen-late", "--refused", "2"]);
  t.is(refused.length, 2);
  t.true(balanced(connections[0]!, 1000, 2000));
  for (const { client } of refused) {
    t.is(client!.peerPort, connections[0]!.server!.port);
    t.true(client!.port > 0 && client!.sent === 0);
  }
});

for (const call of ["send", "sendmsg", "sendmmsg"]) {
  for (const connected of [[], ["--connected"]]) {
    test(`udp-exchange counts datagrams by ${call} ${connected.join("")} to several peers`, async (t) => {
      const args = [
        "--call",
        call,
        ...connected,
        "--peers",
        "3",
        "--connections",
        "2",
        "--messages",
        "10",
        "--batch",
        "4",
        "--peek",
      ];
      const { connections } = await runTraffic(t, ["udp-exchange", ...args]);
      t.is(connections.length, 6);
      for (const connection of connections) {
        t.true(balanced(connection, 10_000, 20_000));
        t.is(connection.client!.messagesSent, 10);
        t.is(connection.server!.messagesReceived, 10);
      }
      t.is(new Set(connections.map(({ client }) => client!.cookie)).size, 2);
    });
  }
}

test("datagrams without an answer are all received before the truth is told", async (t) => {
  const { connections } = await runTraffic(t, ["udp-exchange", "--no-reply", "--messages", "2000", "--send", "1"]);
  t.true(balanced(connections[0]!, 2000, 0));
});

test("server and client may be programs of their own", async (t) => {
  for (const command of ["tcp-exchange", "udp-exchange"]) {
    const server = startTraffic(t, [command, "--role", "server", "--connections", "2"]);
    const { ports } = await server.listening;
    const client = await runTraffic(t, [command, "--role", "client", "--port", String(ports[0]), "--connections", "2"]);
    const { connections } = await server.done;
    t.deepEqual(connections.map((one) => [one.client, one.server!.received]), [[null, 1000], [null, 1000]]); // prettier-ignore
    t.deepEqual(client.connections.map((one) => [one.client!.sent, one.server]), [[1000, null], [1000, null]]); // prettier-ignore
  }
});

test("traffic that goes wrong says why", async (t) => {
  await t.throwsAsync(runTraffic(t, ["tcp-exchange", "--address", "nowhere"]), {
    message: /nowhere is not an IPv4 address/,
  });
  await t.throwsAsync(runTraffic(t, ["tcp-exchange", "--role", "client", "--port", "1"]), {
    message: /Connection refused/,
  });
  await t.throwsAsync(runTraffic(t, ["no-such-command"]), { message: /usage: traffic/ });
});
