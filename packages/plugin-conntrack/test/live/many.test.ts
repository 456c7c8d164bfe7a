// SPDX-License-Identifier: MIT
// As many translated flows as a busy host has, against the kernel's own count.
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { spawnIn, until } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { live } from "./live.js";
import { natPair, type NatPair, run, virtual } from "./nat.js";
import { nothingUnaccounted, observer, type Observer } from "./observe.js";

/** An emulated kernel has neither the time nor the memory for more. */
const [sockets, ports] = process.env["SKEP_KERNEL"] ? [2, 2_000] : [4, 50_000];
const flows = sockets * ports;
/** Bytes in typed arrays that are still in use. */
function arrayBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What the first finds the second has freed.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

const programArguments = [virtual.v4, String(sockets), String(ports)];
const program = fileURLToPath(new URL("./datagrams.mjs", import.meta.url));

/** Every port of the virtual address is one of the server's, which hears nothing. */
function makeRules({ client, server }: NatPair): void {
  run(
    client,
    "nft",
    "add table ip skep; add chain ip skep output { type nat hook output priority -100 ; }; " +
      `add rule ip skep output ip daddr ${virtual.v4} meta l4proto udp dnat to ${server.v4}`,
  );
  run(client, "sh", "-c", "echo 600 > /proc/sys/net/netfilter/nf_conntrack_udp_timeout");
  run(
    server,
    "nft",
    "add table ip skep; add chain ip skep in { type filter hook prerouting priority -400 ; }; add rule ip skep in meta l4proto udp drop",
  );
}

/** Makes the flows; the ports they come from. */
async function send(t: ExecutionContext, { client }: NatPair): Promise<readonly number[]> {
  const { lines, exited } = spawnIn(t, { netns: client }, process.execPath, [program, ...programArguments]);
  const { value } = await lines.next();
  t.is((await exited).code, 0);
  t.is(Number(run(client, "conntrack", "-C")), flows, "the kernel tracks them all");
  return JSON.parse(value as string) as number[];
}

/** Flows that do not go where the rule says. */
function unknown({ ask }: Observer, { client, server }: NatPair, from: readonly number[]): number {
  const flow = { transport: "udp", localIp: client.v4, remoteIp: virtual.v4, netns: client.inode } as const;
  let missing = 0;
  for (const localPort of from) {
    for (let remotePort = 1; remotePort <= ports; remotePort++) {
      const target = ask({ ...flow, localPort, remotePort });
      if (target?.ip !== server.v4 || target.port !== remotePort) missing++;
    }
  }
  return missing;
}

for (const entries of [undefined, "ctnetlink"] as const) {
  live(
    `${entries ?? "the best strategy"}: ${flows} translated flows are known, those older than the agent too`,
    async (t) => {
      t.timeout(300_000);
      const pair = natPair(t);
      const options = { entries, scope: { netns: [pair.client.path] }, alone: true };
      makeRules(pair);
      const first = await observer(t, options);
      const before = arrayBytes();
      const from = await send(t, pair);
      await until(() => first.status().counters.aggregated >= flows, { what: "as many are known", deadlineMs: 30_000 });
      t.is(unknown(first, pair, from), 0);
      const grown = arrayBytes() - before;
      t.log(`${(grown / 2 ** 20).toFixed(1)} MiB for ${flows} entries`);
      t.true(grown < 100 * 262_144 + 2 ** 22, `${grown} bytes`);
      await first.flush();
      nothingUnaccounted(t, first.status());

      const second = await observer(t, options);
      t.is(unknown(second, pair, from), 0);

      run(pair.client, "conntrack", "-F");
      const few = await observer(t, { ...options, config: { max_nat_entries: 1000 } });
      const again = await send(t, pair);
      const { counters } = few.status();
      await until(() => (few.status().counters.dropped["table_full"] ?? 0) >= flows - 1000, {
        what: "those that find no room are counted",
      });
      t.is(unknown(few, pair, again), flows - 1000, JSON.stringify(counters));
      await few.flush();
      nothingUnaccounted(t, few.status());
    },
  );
}

if (!process.env["SKEP_KERNEL"]) {
  live("ctnetlink: events lost because nobody read them are told, and made up for by a dump", async (t) => {
    t.timeout(300_000);
    const pair = natPair(t);
    makeRules(pair);
    const observed = await observer(t, { entries: "ctnetlink", scope: { netns: [pair.client.path] }, alone: true });
    // This process does nothing else meanwhile.
    const from = JSON.parse(run(pair.client, process.execPath, program, ...programArguments)) as number[];
    await until(() => (observed.status().counters.dropped["netlink_overrun"] ?? 0) > 0, { what: "the loss is told" });
    await until(() => observed.status().counters.aggregated >= flows, { what: "the dump", deadlineMs: 30_000 });
    t.is(unknown(observed, pair, from), 0);
    await observed.flush();
    nothingUnaccounted(t, observed.status());
  });
}
