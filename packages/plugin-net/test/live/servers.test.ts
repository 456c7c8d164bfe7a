// SPDX-License-Identifier: MIT
// httpflow against what real servers logged and what their client's sockets moved.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Point } from "@skep/core";
import { liveTests, spawnIn } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import { startNginx } from "./nginx.js";
import { nothingUnaccounted, type Observer, observer } from "./observe.js";
import { goPeer, peer } from "./peers.js";
import { type Counts, nextLine, sameCounts } from "./tls-scene.js";

const live = await liveTests(test, ["root", "cgroup2", "tp_btf", "command:nginx", "command:python3"]);

/** Of each server: 100,000 in all. Emulation has not the time for so many. */
const requests = process.env["SKEP_KERNEL"] === undefined ? 25_000 : 200;

/** What the client's sockets moved for the requests of one kind. */
type Metered = Readonly<
  Record<string, { readonly count: number; readonly request: number; readonly response: number }>
>;

interface Serving {
  readonly port: number;
  isServer(point: Point): boolean;
  served(): Promise<Counts>;
}

/** A server that tells its port, and at a line what it served. */
async function counting(t: ExecutionContext, { cgroup }: Observer, command: string, args: readonly string[]) {
  const spawned = spawnIn(t, { cgroup }, command, args);
  const port = Number(await nextLine(spawned));
  return {
    port,
    isServer: ({ tags }: Point) => tags["pid"] === String(spawned.pid),
    served: async () => {
      spawned.writeLine();
      return JSON.parse(await nextLine(spawned)) as Counts;
    },
  };
}

async function nginx(t: ExecutionContext, { cgroup }: Observer): Promise<Serving> {
  const folder = mkdtempSync(join(tmpdir(), "skep-nginx-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const server = await startNginx({ t, folder, spawn: (command, args) => spawnIn(t, { cgroup }, command, args) });
  return {
    port: server.port,
    isServer: ({ tags }) => server.workers.includes(Number(tags["pid"])),
    served: () => Promise.resolve(server.served().counts),
  };
}

/** What the points of one side say, by kind, as the client's meter would. */
function meteredBy(points: readonly Point[], direction: string, isOf: (point: Point) => boolean): Metered {
  const metered: Record<string, { count: number; request: number; response: number }> = {};
  for (const point of points) {
    const { measurement, tags, fields } = point;
    if (measurement !== "httpflow" || tags["direction"] !== direction || !isOf(point)) continue;
    const kind = `${String(fields["method"])} ${String(fields["path"])} ${String(fields["status_code"])}`;
    const [asked, answered] =
      direction === "incoming" ? ["bytes_read", "bytes_written"] : ["bytes_written", "bytes_read"];
    const row = (metered[kind] ??= { count: 0, request: 0, response: 0 });
    row.count += Number(fields["count"]);
    row.request += Number(fields[asked!]);
    row.response += Number(fields[answered!]);
  }
  return metered;
}

const servers: readonly {
  readonly name: string;
  readonly needs?: readonly string[];
  start(t: ExecutionContext, observed: Observer): Promise<Serving>;
}[] = [
  { name: "nginx, as its log says, on every kernel", needs: ["command:nginx"], start: nginx },
  { name: "Node", start: (t, observed) => counting(t, observed, process.execPath, [peer("http-server.mjs")]) },
  {
    name: "Python, a thread for each connection",
    needs: ["command:python3"],
    start: (t, observed) => counting(t, observed, "python3", [peer("threaded-server.py")]),
  },
  {
    name: "Go",
    start: (t, observed) => counting(t, observed, goPeer(), ["serve"]),
  },
];

for (const { name, needs = [], start } of servers) {
  live(["root", "cgroup2", "tp_btf", ...needs], `${requests} requests are exact at both ends: ${name}`, async (t) => {
    t.timeout(240_000);
    const observed = await observer(t, { config: { l7net_enabled: ["httpflow"] } });
    const server = await start(t, observed);
    const parameters = [peer("metering-client.mjs"), String(server.port), String(requests), "16"];
    const client = spawnIn(t, { cgroup: observed.cgroup }, process.execPath, parameters);
    const metered = JSON.parse(await nextLine(client)) as Metered;
    t.is((await client.exited).code, 0);
    const served = await server.served();
    await observed.flush();
    const { points } = observed;
    const counts = Object.fromEntries(Object.entries(metered).map(([kind, { count }]) => [kind, count]));
    sameCounts(t, served, counts, "the peers agree with each other");
    t.deepEqual(observed.status().counters.dropped, {});
    const isClient = ({ tags }: Point) => tags["pid"] === String(client.pid);
    t.deepEqual(meteredBy(points, "outgoing", isClient), metered, "the client's end");
    t.deepEqual(meteredBy(points, "incoming", server.isServer), metered, "the server's end");
    nothingUnaccounted(t, observed.status());
  });
}
