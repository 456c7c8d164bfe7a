// SPDX-License-Identifier: MIT
// Whatever makes the rule, and whatever it does besides: zones, source translation, namespaces that look alike.
import { runTraffic, startTraffic } from "@skep/testkit";
import { live } from "./live.js";
import { natPair, run, trackedIn, virtual } from "./nat.js";
import { goesTo, observer } from "./observe.js";
import { talk } from "./talk.js";

for (const tool of ["iptables", "iptables-legacy"] as const) {
  live(
    `rules of ${tool} are seen like those of nft`,
    async (t) => {
      const pair = natPair(t);
      const observed = await observer(t);
      const v4 = await talk(t, observed, pair, { tool, transport: "tcp" });
      const v6 = await talk(t, observed, pair, { tool, transport: "udp", family: "6", hook: "prerouting" });
      const points = await observed.flush();
      goesTo(t, points, "tcp", v4.end, v4.to);
      goesTo(t, points, "udp", v6.end, v6.to);
    },
    `command:${tool}`,
  );
}

live("source translation alone is none, whatever it does to the port", async (t) => {
  const pair = natPair(t);
  const observed = await observer(t, { scope: { netns: [pair.client.path] } });
  run(
    pair.client,
    "nft",
    "add table ip skep; add chain ip skep post { type nat hook postrouting priority 100 ; }; " +
      "add rule ip skep post meta l4proto { tcp, udp } masquerade to :2000-3000",
  );
  const command = ["hold", "1"];
  const serving = startTraffic(t, [...command, "--role", "server", "--address", pair.server.v4], {
    cgroup: observed.cgroup,
    netns: pair.server,
  });
  const { ports } = await serving.listening;
  const asking = startTraffic(
    t,
    [...command, "--role", "client", "--address", pair.server.v4, "--port", String(ports[0])],
    { cgroup: observed.cgroup, netns: pair.client },
  );
  const { connections } = await asking.holding;
  t.deepEqual(trackedIn(pair.client, "tcp"), []);
  goesTo(t, await observed.flush(), "tcp", connections[0]!.client!, undefined);
  t.is(observed.status().counters.observed, 0);
});

live("an entry in a zone is seen", async (t) => {
  const pair = natPair(t);
  const observed = await observer(t);
  run(
    pair.client,
    "nft",
    "add table ip zones; add chain ip zones out { type filter hook output priority -310 ; }; " +
      `add chain ip zones in { type filter hook prerouting priority -310 ; }; ` +
      `add rule ip zones out ct zone set 7; add rule ip zones in ct zone set 7`,
  );
  const { end, to } = await talk(t, observed, pair, { transport: "udp" });
  t.regex(run(pair.client, "conntrack", "-L", "-p", "udp"), /zone=7/);
  goesTo(t, await observed.flush(), "udp", end, to);
});

live("namespaces with the same addresses and ports each have their own translations", async (t) => {
  const observed = await observer(t);
  const [one, other, plain] = [natPair(t), natPair(t), natPair(t)];
  const same = { transport: "tcp", clientPort: 41000, virtualPort: 7100 } as const;
  const first = await talk(t, observed, one, same);
  const second = await talk(t, observed, other, same);
  t.is(first.end.address, second.end.address);
  const points = await observed.flush();
  const targets = points
    .filter(({ tags }) => tags["direction"] === "outgoing" && tags["src_port"] === "41000")
    .map(({ tags }) => Number(tags["dst_nat_port"]));
  t.deepEqual(targets.sort(), [first.to.port, second.to.port].sort());

  run(plain.server, "ip", "addr", "add", `${virtual.v4}/32`, "dev", "lo");
  const command = ["tcp-exchange"];
  const serving = startTraffic(t, [...command, "--role", "server", "--address", virtual.v4, "--port", "7100"], {
    cgroup: observed.cgroup,
    netns: plain.server,
  });
  await serving.listening;
  const truth = await runTraffic(
    t,
    [...command, "--role", "client", "--address", virtual.v4, "--port", "7100", "--client-port", "41000"],
    { cgroup: observed.cgroup, netns: plain.client },
  );
  goesTo(t, await observed.flush(), "tcp", truth.connections[0]!.client!, undefined);
});
