// SPDX-License-Identifier: MIT
// netflow points of flows through real NAT rules, against `conntrack -L`. Runs on every kernel of the matrix.
import { startTraffic, type Teardown, type TrafficEnd } from "@skep/testkit";
import { live } from "./live.js";
import { type Address, natPair, type Rule, trackedIn, translate, virtual } from "./nat.js";
import { goesTo, nothingUnaccounted, observer, type Observer } from "./observe.js";

let virtualPort = 80;

/** A server in one namespace, a rule, and a client in the other that talks to the virtual address; everything is exchanged. */
async function talk(
  t: Teardown,
  observed: Observer,
  { client, server }: ReturnType<typeof natPair>,
  rule: Omit<Rule, "from" | "to">,
  family: "4" | "6" | "mapped" = "4",
): Promise<{ end: TrafficEnd; from: Address; to: Address; finish: () => Promise<void> }> {
  const command = rule.transport === "tcp" ? ["hold", "1"] : ["udp-exchange", "--messages", "3", "--hold"];
  const v6 = family === "6";
  const to = { ip: v6 ? server.v6 : server.v4, port: 0 };
  const from = { ip: v6 ? virtual.v6 : virtual.v4, port: ++virtualPort };
  const cgroup = observed.cgroup;
  const serving = startTraffic(t, [...command, "--role", "server", "--family", v6 ? "6" : "4", "--address", to.ip], {
    cgroup,
    netns: server,
  });
  to.port = (await serving.listening).ports[0]!;
  translate(rule.hook === "prerouting" ? server : client, { ...rule, from, to });
  const asking = startTraffic(
    t,
    [...command, "--role", "client", "--family", family, "--address", from.ip, "--port", String(from.port)],
    { cgroup, netns: client },
  );
  const { connections } = await asking.holding;
  return {
    end: connections[0]!.client!,
    from,
    to,
    async finish() {
      asking.go();
      await asking.done;
      serving.go();
      await serving.done;
    },
  };
}

type Needs = Parameters<typeof live>[2];

/** How entries are learnt, and what that needs. */
const strategies: readonly (readonly [entries: string | undefined, ...needs: Needs[]])[] = [
  [undefined],
  ["kprobe", "kprobe", "fentry:nf_ct_destroy"],
  ["ctnetlink"],
];

for (const [entries, ...needs] of strategies) {
  for (const transport of ["tcp", "udp"] as const) {
    for (const hook of ["output", "prerouting"] as const) {
      const by = entries ?? "the best strategy";
      live(
        `${by}: ${transport} flows of every family go where the ${hook} rule says`,
        async (t) => {
          const pair = natPair(t);
          const observed = await observer(t, { entries });
          const flows = [];
          for (const family of ["4", "6", "mapped"] as const) {
            flows.push({ family, ...(await talk(t, observed, pair, { transport, hook }, family)) });
          }
          const points = await observed.flush();
          for (const { family, end, to } of flows) {
            const translator = hook === "output" ? pair.client : pair.server;
            const tracked = trackedIn(translator, transport, family === "6" ? "ipv6" : "ipv4");
            const targets = tracked.filter(({ src }) => src.port === end.port).map(({ target }) => target);
            t.deepEqual(targets, [to], "so says conntrack -L");
            goesTo(t, points, transport, end, to);
          }
          for (const { finish } of flows) await finish();
          nothingUnaccounted(t, observed.status());
        },
        ...needs,
      );
    }
  }
}
