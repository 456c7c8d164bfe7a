// SPDX-License-Identifier: MIT
// Entries that are older than the agent, end before their flow, or are followed by another of the same addresses.
import { runTraffic, startTraffic } from "@skep/testkit";
import { live } from "./live.js";
import { forget, natPair, run, trackedIn, translate, virtual, withoutRules } from "./nat.js";
import { goesTo, nothingUnaccounted, observer, pointsOf } from "./observe.js";
import { talk } from "./talk.js";

/** How entries are learnt: the best way there is, and that without BPF. */
const ways = [undefined, "ctnetlink"] as const;
const nameOf = (entries: string | undefined) => entries ?? "the best strategy";

for (const entries of ways) {
  live(`${nameOf(entries)}: flows older than the agent go where their entries say`, async (t) => {
    const pair = natPair(t);
    const observed = await observer(t, { entries, start: false });
    const tcp = await talk(t, observed, pair, { transport: "tcp" });
    const udp = await talk(t, observed, pair, { transport: "udp", hook: "prerouting" });
    await observed.agent.start();
    for (const { end, from, to } of [tcp, udp]) {
      const query = {
        localIp: pair.client.v4,
        localPort: end.port,
        remoteIp: from.ip,
        remotePort: from.port,
        netns: end.netns,
      };
      t.deepEqual(observed.ask({ transport: end === tcp.end ? "tcp" : "udp", ...query }), to);
    }
    await tcp.finish();
    await udp.finish();
    goesTo(t, await observed.flush(), "tcp", tcp.end, tcp.to);
    nothingUnaccounted(t, observed.status());
  });

  live(`${nameOf(entries)}: a flow whose entry is deleted keeps its answer until it closes`, async (t) => {
    const pair = natPair(t);
    const observed = await observer(t, { entries });
    const { end, from, to, closeClient } = await talk(t, observed, pair, { transport: "tcp" });
    goesTo(t, await observed.flush(), "tcp", end, to);
    withoutRules(pair.client);
    forget(pair.client, "tcp", from);
    t.deepEqual(trackedIn(pair.client, "tcp"), []);
    await observed.flush();
    await observed.flush();
    // Without its entry the connection is cut off: nobody at the other end hears of its close.
    await closeClient();
    const points = await observed.flush();
    goesTo(t, points, "tcp", end, to);
    t.is(pointsOf(points, "tcp", end)[0]!.fields["tcp_closed"], 1);
  });

  live(`${nameOf(entries)}: connections of microseconds go where the rule says, every one`, async (t) => {
    const pair = natPair(t);
    const observed = await observer(t, { entries });
    const { server, client } = pair;
    const command = ["tcp-exchange", "--connections", "60", "--send", "11", "--reply", "23"];
    const serving = startTraffic(t, [...command, "--role", "server", "--address", server.v4], {
      cgroup: observed.cgroup,
      netns: server,
    });
    const to = { ip: server.v4, port: (await serving.listening).ports[0]! };
    translate(client, { transport: "tcp", from: { ip: virtual.v4, port: 80 }, to });
    const truth = await runTraffic(t, [...command, "--role", "client", "--address", virtual.v4, "--port", "80"], {
      cgroup: observed.cgroup,
      netns: client,
    });
    const points = await observed.flush();
    t.is(truth.connections.length, 60);
    for (const connection of truth.connections) goesTo(t, points, "tcp", connection.client!, to);
    nothingUnaccounted(t, observed.status());
  });

  live(`${nameOf(entries)}: a client port used again goes where the new rule says, or is not translated`, async (t) => {
    const pair = natPair(t);
    const observed = await observer(t, { entries });
    const reused = { transport: "tcp", clientPort: 40000, virtualPort: 7000 } as const;
    const first = await talk(t, observed, pair, reused);
    goesTo(t, await observed.flush(), "tcp", first.end, first.to);
    await first.finish();
    await observed.flush();
    withoutRules(pair.client);
    forget(pair.client, "tcp", first.from);

    const second = await talk(t, observed, pair, reused);
    t.is(second.end.port, first.end.port);
    t.notDeepEqual(second.to, first.to);
    goesTo(t, await observed.flush(), "tcp", second.end, second.to);
    await second.finish();
    await observed.flush();
    withoutRules(pair.client);
    forget(pair.client, "tcp", second.from);

    // Now the address is the server's own and its port is the flow's.
    run(pair.server, "ip", "addr", "add", `${virtual.v4}/32`, "dev", "lo");
    // A rule that looks at connections: without any the kernel does not track them.
    run(
      pair.client,
      "nft",
      "add table ip skep; add chain ip skep output { type filter hook output priority 0 ; }; add rule ip skep output ct state new counter",
    );
    const plain = ["tcp-exchange"];
    const serving = startTraffic(t, [...plain, "--role", "server", "--address", virtual.v4, "--port", "7000"], {
      cgroup: observed.cgroup,
      netns: pair.server,
    });
    await serving.listening;
    const truth = await runTraffic(
      t,
      [...plain, "--role", "client", "--address", virtual.v4, "--port", "7000", "--client-port", "40000"],
      { cgroup: observed.cgroup, netns: pair.client },
    );
    goesTo(t, await observed.flush(), "tcp", truth.connections[0]!.client!, undefined);
    nothingUnaccounted(t, observed.status());
  });
}
