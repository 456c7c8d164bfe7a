// SPDX-License-Identifier: MIT
// netflow points of flows through real NAT rules, against `conntrack -L`. Runs on every kernel of the matrix.
import { live } from "./live.js";
import { natPair, trackedIn } from "./nat.js";
import { goesTo, nothingUnaccounted, observer } from "./observe.js";
import { talk } from "./talk.js";

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
      // One of each strategy; both transports and hooks are among them.
      const chosen = entries === undefined ? "tcp output" : "udp prerouting";
      const where = `${transport} ${hook}` === chosen ? ", on every kernel" : "";
      live(
        `${by}: ${transport} flows of every family go where the ${hook} rule says${where}`,
        async (t) => {
          const pair = natPair(t);
          const observed = await observer(t, { entries });
          const flows = [];
          for (const family of ["4", "6", "mapped"] as const) {
            flows.push({ family, ...(await talk(t, observed, pair, { transport, hook, family })) });
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
