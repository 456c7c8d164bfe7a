// SPDX-License-Identifier: MIT

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import { type Netns, netnsPair, type Place, type Spawned, spawnIn, type Teardown, until } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { observer, type Observer, type ObserverOptions } from "./observe.js";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What a client counted of one kind of exchange. */
export interface ClientTotals {
  readonly family: "IPv4" | "IPv6";
  readonly transport: "udp" | "tcp";
  readonly rcode: number;
  readonly count: number;
  readonly sumNs: number;
  readonly maxNs: number;
}

/** A client (dns-client.mjs) on its way; resolves to what it says in the end. */
export function runClient<T>(t: Teardown, place: Place, command: string, plan: object): Promise<T & { pid: number }> {
  return startClient<T>(t, place, command, plan).done;
}

export function startClient<T>(t: Teardown, place: Place, command: string, plan: object) {
  const client = spawnIn(t, place, process.execPath, [here("dns-client.mjs"), command, JSON.stringify(plan)]);
  return { client, done: lastLine<T & { pid: number }>(client) };
}

async function lastLine<T>(process: Spawned): Promise<T> {
  let last: string | undefined;
  for await (const line of process.lines) last = line;
  const { code, stderr } = await process.exited;
  if (code !== 0 || last === undefined) throw new Error(`the client failed: ${stderr}`);
  return JSON.parse(last) as T;
}

/** Starts dns-server.mjs; resolves when it serves. */
export async function startServer(t: Teardown, place: Place, address: string, port = 53): Promise<Spawned> {
  const server = spawnIn(t, place, process.execPath, [here("dns-server.mjs"), address, String(port)]);
  const { done } = await server.lines.next();
  if (done) throw new Error(`the server failed: ${(await server.exited).stderr}`);
  return server;
}

/** A resolver from Debian. */
export interface Dnsmasq extends Spawned {
  /** Queries in its log, by whom they came from. */
  queriesFrom(address: string): number;
}

/** Longer than a datagram may be without EDNS, shorter than one with it. */
const bigText = Array.from({ length: 10 }, (_, at) => String(at).repeat(200)).join(",");

/** Knows `a.test`, `alias.test`, `big.test` and that there is nothing else in `test`. */
export async function startDnsmasq(t: Teardown, place: Place, addresses: readonly string[]): Promise<Dnsmasq> {
  const folder = mkdtempSync(join(tmpdir(), "skep-dnsmasq-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const log = join(folder, "log");
  const program = spawnIn(t, place, "dnsmasq", [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--bind-interfaces"],
    ...["--no-resolv", "--no-hosts", "--log-queries", `--log-facility=${log}`, "--log-async=100"],
    ...addresses.map((address) => `--listen-address=${address}`),
    ...["--local=/test/", "--host-record=a.test,192.0.2.2,fd00:5ce9::2", "--cname=alias.test,a.test"],
    ...["--edns-packet-max=4096", `--txt-record=big.test,${bigText}`],
  ]);
  const text = () => readFileSync(log, "utf8");
  const serves = () => existsSync(log) && text().includes("started");
  await Promise.race([
    until(serves, { what: "dnsmasq has started", deadlineMs: 20_000 }),
    program.exited.then(({ stderr }) => {
      throw new Error(`dnsmasq: ${stderr}`);
    }),
  ]);
  return {
    ...program,
    queriesFrom: (address) =>
      text()
        .split("\n")
        .filter((line) => line.includes("query[") && line.endsWith(` from ${address}`)).length,
  };
}

/** An agent that looks at DNS and connections, not into HTTP. */
export const dnsObserver = (t: Teardown, { config, ...options }: ObserverOptions = {}): Promise<Observer> =>
  observer(t, { config: { l7net_enabled: [], ...config }, ...options });

/** Two network namespaces; who runs in the first asks the second by default. */
export function scene(
  t: Teardown,
  observed: Required<Pick<Place, "cgroup">>,
  options?: Parameters<typeof netnsPair>[1],
) {
  const [clientNs, serverNs] = netnsPair(t, options);
  resolveBy(t, clientNs, serverNs.v4);
  const place = (netns: Netns): Place => ({ cgroup: observed.cgroup, netns });
  return { clientNs, serverNs, client: place(clientNs), server: place(serverNs) };
}

/** `ip netns exec` puts this file where libc looks. */
function resolveBy(t: Teardown, { name }: Netns, server: string): void {
  const folder = join("/etc/netns", name);
  mkdirSync(folder, { recursive: true });
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${server}\noptions timeout:2 attempts:2\n`);
}

export const ofDns = (points: readonly Point[]): readonly Point[] =>
  points.filter(({ measurement }) => measurement === "dnsflow");

/** Compares the points of one process with what was counted: exchanges by family, transport and code. */
export function sameCounts(
  t: ExecutionContext,
  points: readonly Point[],
  pid: number,
  direction: "incoming" | "outgoing",
  totals: readonly Pick<ClientTotals, "family" | "transport" | "rcode" | "count">[],
): void {
  const counted = (rows: readonly { kind: string; count: number }[]): Record<string, number> => {
    const sums = new Map<string, number>();
    for (const { kind, count } of rows) sums.set(kind, (sums.get(kind) ?? 0) + count);
    return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const seen = points
    .filter(({ tags }) => tags["pid"] === String(pid) && tags["direction"] === direction)
    .map(({ tags, fields }) => ({
      kind: `${tags["family"]} ${tags["transport"]} ${fields["rcode"]}`,
      count: Number(fields["count"]),
    }));
  const told = totals.map(({ family, transport, rcode, count }) => ({
    kind: `${family} ${transport} ${rcode}`,
    count,
  }));
  const others = points
    .filter(({ tags }) => tags["pid"] !== String(pid) && tags["direction"] === direction)
    .map(({ tags, fields }) => `${tags["family"]} ${tags["transport"]} of ${tags["pid"]}: ${fields["count"]}`);
  t.deepEqual(counted(seen), counted(told), `${direction} exchanges of process ${pid}; others: ${others.join(", ")}`);
}
