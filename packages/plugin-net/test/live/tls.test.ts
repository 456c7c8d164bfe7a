// SPDX-License-Identifier: MIT
// httpflow-tls against what clients and servers of every TLS implementation counted themselves.
import type { Point } from "@skep/core";
import { liveTests, spawnIn } from "@skep/testkit";
import test from "ava";
import { startNginx } from "./nginx.js";
import { nothingUnaccounted } from "./observe.js";
import {
  type ClientKind,
  clients,
  countsIn,
  ofProcess,
  sameCounts,
  type ServerKind,
  servers,
  startClient,
  startServer,
  TlsScene,
} from "./tls-scene.js";

const needs = ["root", "cgroup2", "tp_btf", "uprobe", "uretprobe"];
const commands = ["command:python3", "command:nginx", "command:curl", "command:unshare"];
const live = await liveTests(test, [...needs, ...commands]);

/** Emulated kernels are slow. */
const many = (count: number): number => (process.env["SKEP_KERNEL"] ? 40 : count);

interface Pair {
  readonly server: ServerKind;
  readonly client: ClientKind;
  readonly requests: number;
  readonly connections: number;
  readonly needs?: readonly string[];
}

const python = ["command:python3"];
const pairs: readonly Pair[] = [
  { server: servers.node, client: clients.node, requests: 10_000, connections: 8 },
  { server: servers.node, client: clients.node2, requests: 10_000, connections: 4 },
  { server: servers.node, client: clients.asyncio, requests: 10_000, connections: 8, needs: python },
  { server: servers.python, client: clients.node, requests: 10_000, connections: 8, needs: python },
  { server: servers.python, client: clients.gnutls, requests: 10_000, connections: 1, needs: python },
  { server: servers.go, client: clients.node, requests: 10_000, connections: 8 },
  { server: servers.go, client: clients.go, requests: 10_000, connections: 8 },
  { server: servers.go, client: clients.go2, requests: 10_000, connections: 4 },
];

for (const { server, client, requests, connections, needs: more = [] } of pairs) {
  const where = server === servers.node && client === clients.node ? ", on every kernel" : "";
  const title = `a server of ${server.name} and a client of ${client.name} are exact${where}`;
  live([...needs, ...more], title, async (t) => {
    t.timeout(600_000);
    const scene = new TlsScene(t);
    await scene.observe();
    const serving = await startServer(scene, server);
    const asking = await startClient(scene, client, serving.port, many(requests), connections);
    await scene.probed(serving.pid, server.probedFile);
    await scene.probed(asking.pid, client.probedFile);
    const got = await asking.ask();
    await asking.exited;
    await scene.flush();
    const served = await serving.served();
    const { counters } = scene.status();
    const lost = `dropped: ${JSON.stringify(counters.dropped)}`;
    sameCounts(t, served, got, "the peers agree with each other");
    sameCounts(
      t,
      countsIn(scene.points, "incoming", ofProcess(serving.pid)),
      served,
      `what the server served; ${lost}`,
    );
    sameCounts(t, countsIn(scene.points, "outgoing", ofProcess(asking.pid)), got, `what the client got; ${lost}`);
    t.deepEqual(counters.dropped, {}, "nothing is lost");
    nothingUnaccounted(t, scene.status());
  });
}

const nginx = ["command:nginx"];
const totalOf = (scene: TlsScene, direction: string, field: string, isOf: (point: Point) => boolean): number =>
  scene.points
    .filter((point) => point.measurement === "httpflow" && point.tags["direction"] === direction && isOf(point))
    .reduce((sum, { fields }) => sum + Number(fields[field]), 0);

live([...needs, ...nginx], "nginx is exact to the byte of its log, its workers forked from a master", async (t) => {
  t.timeout(600_000);
  const scene = new TlsScene(t);
  await scene.observe();
  const server = await startNginx(scene, { tls: true });
  const client = await startClient(scene, clients.node, server.port, many(10_000), 8);
  for (const worker of server.workers) await scene.probed(worker, /\/libssl/);
  await scene.probed(client.pid, /\/node$/);
  const got = await client.ask();
  await client.exited;
  await scene.flush();
  const truth = server.served();
  const isNginx = ({ tags }: Point) => server.workers.includes(Number(tags["pid"]));
  sameCounts(t, truth.counts, got, "the peers agree with each other");
  sameCounts(t, countsIn(scene.points, "incoming", isNginx), truth.counts, "what nginx served");
  sameCounts(t, countsIn(scene.points, "outgoing", ofProcess(client.pid)), got, "what the client got");
  // nginx does not count the bodies it throws away.
  const discarded = 3000 * truth.counts["POST /post 200"]!;
  t.is(totalOf(scene, "incoming", "bytes_read", isNginx), truth.requestBytes + discarded);
  t.is(totalOf(scene, "incoming", "bytes_written", isNginx), truth.responseBytes);
  t.deepEqual(scene.status().counters.dropped, {}, "nothing is lost");
  nothingUnaccounted(t, scene.status());
});

for (const [version, option] of [
  ["HTTP/1.1", "--http1.1"],
  ["HTTP/2", "--http2"],
] as const) {
  live([...needs, ...nginx, "command:curl"], `curl with OpenSSL over ${version} is exact`, async (t) => {
    t.timeout(300_000);
    const scene = new TlsScene(t);
    await scene.observe();
    const server = await startNginx(scene, { tls: true });
    // It reads what to ask for when its libraries are there and probed.
    const curl = scene.spawn("curl", ["-sk", option, "--config", "-"]);
    for (const worker of server.workers) await scene.probed(worker, /\/libssl/);
    await scene.probed(curl.pid, /\/libssl/);
    const paths = Array.from({ length: many(500) }, (_, index) => ["/a", "/status/404", "/large"][index % 3]!);
    const urls = paths.map((path) => `url = "https://127.0.0.1:${server.port}${path}"\noutput = "/dev/null"\n`);
    curl.end(urls.join(""));
    const { code } = await curl.exited;
    t.is(code, 0);
    await scene.flush();
    const truth = server.served();
    t.is(truth.requests, paths.length);
    sameCounts(t, countsIn(scene.points, "outgoing", ofProcess(curl.pid)), truth.counts, "what curl got");
    const ofWorkers = ({ tags }: Point) => server.workers.includes(Number(tags["pid"]));
    sameCounts(t, countsIn(scene.points, "incoming", ofWorkers), truth.counts, "what nginx served");
    const versions = new Set(scene.points.map(({ fields }) => fields["http_version"]).filter(Boolean));
    t.deepEqual([...versions], [version.slice("HTTP/".length)]);
    nothingUnaccounted(t, scene.status());
  });
}

live(
  [...needs, ...nginx],
  "connections older than the agent are exact on a server that reads its sockets",
  async (t) => {
    t.timeout(300_000);
    const scene = new TlsScene(t);
    const server = await startNginx(scene, { tls: true });
    const client = await startClient(scene, clients.node, server.port, `40,${many(1000)},${many(1000)}`, 4);
    const before = await client.ask();
    await scene.observe();
    for (const worker of server.workers) await scene.probed(worker, /\/libssl/);
    await scene.probed(client.pid, /\/node$/);
    const second = await client.ask();
    const third = await client.ask();
    await client.exited;
    await scene.flush();
    const seen = Object.fromEntries(
      Object.entries(server.served().counts).map(([kind, count]) => [kind, count - before[kind]!]),
    );
    const isNginx = ({ tags }: Point) => server.workers.includes(Number(tags["pid"]));
    sameCounts(t, countsIn(scene.points, "incoming", isNginx), seen, "what nginx served since");
    // A session that works on memory shows its socket by two observations that agree: the first exchange of each is missed.
    const got = Object.values(countsIn(scene.points, "outgoing", ofProcess(client.pid))).reduce((a, b) => a + b, 0);
    const all = [second, third].flatMap((counts) => Object.values(counts)).reduce((a, b) => a + b, 0);
    t.true(got >= all - 4 && got <= all, `${got} of ${all}`);
    t.true(got === all || scene.status().counters.dropped["unbound"]! > 0, "and is said to be");
    nothingUnaccounted(t, scene.status());
  },
);

live([...needs, ...nginx, "command:unshare"], "libraries of another mount namespace are found", async (t) => {
  t.timeout(300_000);
  const scene = new TlsScene(t);
  await scene.observe();
  // As in a container: a file system that only its processes see, with the library on it.
  const isolate = `mount -t tmpfs none "$0/lib" && cp /usr/lib/x86_64-linux-gnu/libssl.so.3 "$0/lib" && exec "$@"`;
  const server = await startNginx(scene, {
    command: ["unshare", "-m", "sh", "-c", isolate, scene.folder, "nginx"],
    tls: true,
  });
  const client = await startClient(scene, clients.node, server.port, many(200), 2);
  for (const worker of server.workers) await scene.probed(worker, /\/libssl/);
  await client.ask();
  await scene.flush();
  const isNginx = ({ tags }: Point) => server.workers.includes(Number(tags["pid"]));
  sameCounts(t, countsIn(scene.points, "incoming", isNginx), server.served().counts, "what nginx served");
});

live([...needs, ...nginx], "a process out of scope is neither seen nor probed", async (t) => {
  t.timeout(300_000);
  const scene = new TlsScene(t);
  await scene.observe();
  const server = await startNginx(scene, { tls: true });
  for (const worker of server.workers) await scene.probed(worker, /\/libssl/);
  const outside = spawnIn(t, { env: { LD_LIBRARY_PATH: `${scene.folder}/lib` } }, "curl", [
    "-sk",
    `https://127.0.0.1:${server.port}/a`,
  ]);
  t.is((await outside.exited).code, 0);
  await scene.flush();
  const pids = new Set(
    scene.points.filter(({ measurement }) => measurement === "httpflow").map(({ tags }) => tags["pid"]),
  );
  t.true(server.workers.map(String).includes([...pids][0]!) && pids.size === 1, [...pids].join());
});
