// SPDX-License-Identifier: MIT
// Connections from before the agent, and who is in scope. Runs on every kernel of the matrix.
import { fileURLToPath } from "node:url";
import { netnsPair, runTraffic, scopedCgroup, spawnIn, startTraffic } from "@skep/testkit";
import { observer, sameAsTruth, sum } from "./observe.js";
import { live } from "./live.js";

const talker = fileURLToPath(new URL("talker.mjs", import.meta.url));

live("a connection opened before the agent keeps its direction, and what it moves from then on is exact", async (t) => {
  const observed = await observer(t, { start: false });
  const talking = spawnIn(t, observed, process.execPath, [talker]);
  const answer = async <T>(): Promise<T> => JSON.parse((await talking.lines.next()).value as string) as T;
  const tell = async <T>(line: string): Promise<T> => {
    talking.writeLine(line);
    return answer<T>();
  };
  const { pid } = await answer<{ pid: number }>();
  const { port } = await tell<{ port: number }>("open 3");
  await tell("send 5000");
  await observed.agent.start();
  const check = (points: typeof observed.points, bytes: number, closed: number): void => {
    for (const [direction, portTag] of [
      ["outgoing", "dst_port"],
      ["incoming", "src_port"],
    ] as const) {
      const found = points.filter(({ tags }) => tags["direction"] === direction);
      t.is(found.length, 3, direction);
      t.true(
        found.every(({ tags }) => tags[portTag] === String(port) && tags["pid"] === String(pid)),
        direction,
      );
      t.is(sum(found, "bytes_read"), 3 * bytes, direction);
      t.is(sum(found, "bytes_written"), 3 * bytes, direction);
      t.is(sum(found, "tcp_established"), 0, direction);
      t.is(sum(found, "tcp_closed"), closed, direction);
    }
  };
  t.deepEqual(await observed.flush(), [], "nothing moved since");
  await tell("send 1234");
  check(await observed.flush(), 1234, 0);
  await tell("send 4321");
  await tell("shutdown");
  await tell("close");
  check(await observed.flush(), 4321, 3);
});

live("a process in another cgroup is not observed", async (t) => {
  const observed = await observer(t);
  const elsewhere = scopedCgroup(t, "elsewhere");
  await runTraffic(t, ["tcp-exchange", "--connections", "20"], { cgroup: elsewhere });
  await runTraffic(t, ["udp-exchange", "--connections", "5"], { cgroup: elsewhere });
  t.deepEqual(await observed.flush(), []);
  t.is(observed.status().counters.observed, 0);
});

live("a scope by pid holds for children", async (t) => {
  const place = scopedCgroup(t, "pid");
  const traffic = startTraffic(t, ["tcp-exchange", "--fork", "--wait"], { cgroup: place });
  await traffic.listening;
  const observed = await observer(t, { scope: () => ({ pids: [traffic.pid] }) });
  const stranger = await runTraffic(t, ["tcp-exchange", "--connections", "3"], { cgroup: place });
  traffic.go();
  const truth = await traffic.done;
  const points = await observed.flush();
  const { client, server } = truth.connections[0]!;
  sameAsTruth(t, points, client!, { direction: "outgoing" });
  sameAsTruth(t, points, server!, { direction: "incoming" });
  const strangers = new Set(stranger.connections.map(({ client }) => String(client!.port)));
  t.false(points.some(({ tags }) => strangers.has(tags["src_port"]!)));
});

live(
  "a network namespace is a scope, and its connections are told from others with the same addresses",
  async (t) => {
    const [here, there] = netnsPair(t);
    const observed = await observer(t, { scope: () => ({ netns: [here.path] }) });
    const server = startTraffic(t, ["tcp-exchange", "--role", "server", "--address", there.v4, "--wait"], {
      netns: there,
    });
    const { ports } = await server.listening;
    server.go();
    const truth = await runTraffic(
      t,
      ["tcp-exchange", "--role", "client", "--address", there.v4, "--port", String(ports[0])],
      { netns: here },
    );
    await server.done;
    const points = await observed.flush();
    sameAsTruth(t, points, truth.connections[0]!.client!, { direction: "outgoing" });
    t.is(points.length, 1, "the server's end is in a namespace out of scope");
    t.is(points[0]!.tags["src_ip"], here.v4);
    t.is(points[0]!.tags["src_ip_type"], "other", "192.0.2.0/24 is documentation space");
  },
  "netns",
);
