// SPDX-License-Identifier: MIT

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import { type Agent, createAgent, type Logger, type PluginStatus, type Point } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { scopedCgroup, type ScopedCgroup, type Spawned, spawnIn, type Teardown, until } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { net } from "../../src/index.js";
import { certificate, goPeer, key, peer } from "./peers.js";

/** What a peer counted: `GET /path 200` -> how often. */
export type Counts = Readonly<Record<string, number>>;

/** One for the file: what works on this kernel is found out once. */
const backend = libbpfBackend();

/** An agent with httpflow-tls, limited to a cgroup of the test's own, and copies of libraries and programs that only the test uses. */
export class TlsScene {
  readonly folder: string;
  readonly cgroup: ScopedCgroup;
  readonly points: Point[] = [];
  readonly #probed = new Set<string>();
  #agent: Agent | undefined;

  constructor(readonly t: Teardown) {
    this.cgroup = scopedCgroup(t, "tls");
    this.folder = mkdtempSync(join(tmpdir(), "skep-tls-"));
    t.teardown(() => rmSync(this.folder, { recursive: true }));
    mkdirSync(join(this.folder, "lib"));
    for (const name of ["libssl.so.3", "libgnutls.so.30"]) {
      const path = join("/usr/lib/x86_64-linux-gnu", name);
      if (existsSync(path)) copyFileSync(path, join(this.folder, "lib", name));
    }
  }

  async observe(strategies: Readonly<Record<string, string>> = {}): Promise<void> {
    const agent = createAgent({
      backend,
      plugins: [
        processes,
        {
          plugin: net,
          config: { loopback: true, ephemeral_port: 65535, l7net_enabled: ["httpflow-tls"] },
          required: true,
        },
      ],
      scope: { cgroups: [this.cgroup.path] },
      strategies,
      interval: 3_600_000,
      log: this.#log,
      // Loading programs under emulation takes its time.
      limits: { loadMs: 300_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 },
    });
    agent.on("point", (point) => this.points.push(point));
    this.t.teardown(() => agent.stop());
    await agent.start();
    this.#agent = agent;
  }

  status(): PluginStatus {
    return this.#agent!.status().plugins.find(({ name }) => name === "ebpf-net")!;
  }

  /** Ends the interval. */
  async flush(): Promise<void> {
    await this.#agent!.flush();
  }

  /** A program in the scope, with the scene's own libraries. */
  spawn(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Spawned {
    const libraries = { LD_LIBRARY_PATH: join(this.folder, "lib") };
    return spawnIn(this.t, { cgroup: this.cgroup, env: { ...libraries, ...env }, cwd: this.folder }, command, args);
  }

  /** A copy of a program, which no other process runs. */
  copyOf(program: string): string {
    const path = join(this.folder, basename(program));
    if (!existsSync(path)) copyFileSync(program, path);
    return path;
  }

  /** Waits until the plaintext of a process is seen: in a file whose path ends so. */
  async probed(pid: number, file: RegExp): Promise<void> {
    await until(() => [...this.#probed].some((entry) => entry.startsWith(`${pid} `) && file.test(entry)), {
      what: `${file} is probed in process ${pid}: ${[...this.#probed].join(", ")}`,
      deadlineMs: 15_000,
    });
  }

  #log: Logger = {
    debug: (fields) => {
      const { event, pid, path, probes } = fields as Record<string, unknown>;
      if (event === "tls-probed" && probes !== 0) this.#probed.add(`${String(pid)} ${String(path)}`);
    },
    info() {},
    warn() {},
    error() {},
    child: () => this.#log,
  };
}

/** A server that tells its port in its first line, and at a line on its standard input what it served. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  served(): Promise<Counts>;
}

export interface ServerKind {
  readonly name: string;
  readonly probedFile: RegExp;
  start(scene: TlsScene): Spawned;
}

export const servers = {
  node: {
    name: "Node",
    probedFile: /\/node$/,
    start: (scene) => scene.spawn(scene.copyOf(process.execPath), [peer("http-server.mjs"), certificate, key]),
  },
  python: {
    name: "Python's ssl, a thread for each connection,",
    probedFile: /\/libssl/,
    start: (scene) => scene.spawn("python3", [peer("threaded-server.py"), certificate, key]),
  },
  go: {
    name: "Go",
    probedFile: /\/go-peer$/,
    start: (scene) => scene.spawn(scene.copyOf(goPeer()), ["serve", certificate, key]),
  },
} as const satisfies Record<string, ServerKind>;

export async function startServer(scene: TlsScene, kind: ServerKind): Promise<Server> {
  const spawned = kind.start(scene);
  const port = Number(await nextLine(spawned));
  return {
    pid: spawned.pid,
    port,
    async served() {
      spawned.writeLine();
      return JSON.parse(await nextLine(spawned)) as Counts;
    },
  };
}

/** A client that waits for a line before it connects, and tells what it got when it has all. */
export interface ClientKind {
  readonly name: string;
  readonly probedFile: RegExp;
  start(scene: TlsScene, port: number, requests: string, connections: number): Spawned;
}

const nodeClient = (name: string, ...more: readonly string[]): ClientKind => ({
  name,
  probedFile: /\/node$/,
  start: (scene, port, requests, connections) =>
    scene.spawn(scene.copyOf(process.execPath), [
      peer("http-client.mjs"),
      String(port),
      requests,
      String(connections),
      ...more,
    ]),
});

const goClient = (name: string, ...more: readonly string[]): ClientKind => ({
  name,
  probedFile: /\/go-peer$/,
  start: (scene, port, requests, connections) =>
    scene.spawn(scene.copyOf(goPeer()), ["ask", String(port), requests, String(connections), ...more]),
});

const pythonClient = (name: string, script: string, probedFile: RegExp): ClientKind => ({
  name,
  probedFile,
  start: (scene, port, requests, connections) =>
    scene.spawn("python3", [peer(script), String(port), requests, String(connections)]),
});

export const clients = {
  node: nodeClient("Node"),
  node2: nodeClient("Node over HTTP/2", "h2"),
  go: goClient("Go"),
  go2: goClient("Go over HTTP/2", "h2"),
  asyncio: pythonClient("Python's asyncio", "asyncio-client.py", /\/libssl/),
  gnutls: pythonClient("curl with GnuTLS", "gnutls-client.py", /\/libgnutls/),
} as const satisfies Record<string, ClientKind>;

export interface Client {
  readonly pid: number;
  /** Begins a round of requests; resolves to what it got. */
  ask(): Promise<Counts>;
  readonly exited: Spawned["exited"];
}

/** `requests`: of each round, with commas between. */
export async function startClient(
  scene: TlsScene,
  kind: ClientKind,
  port: number,
  requests: number | string,
  connections: number,
): Promise<Client> {
  const spawned = kind.start(scene, port, String(requests), connections);
  await nextLine(spawned);
  return {
    pid: spawned.pid,
    exited: spawned.exited,
    async ask() {
      spawned.writeLine();
      return JSON.parse(await nextLine(spawned)) as Counts;
    },
  };
}

export async function nextLine({ lines, exited }: Spawned): Promise<string> {
  const line = await Promise.race([lines.next(), exited.then(({ stderr }) => new Error(`it ended: ${stderr}`))]);
  if (line instanceof Error) throw line;
  if (line.done) throw new Error(`it ended: ${(await exited).stderr}`);
  return line.value;
}

/** What the points say of a process, as its own counts would. */
export function countsIn(
  points: readonly Point[],
  direction: "incoming" | "outgoing",
  isOf: (point: Point) => boolean,
): Counts {
  const counts: Record<string, number> = {};
  for (const point of points) {
    const { measurement, tags, fields } = point;
    if (measurement !== "httpflow" || tags["direction"] !== direction || !isOf(point)) continue;
    const kind = `${String(fields["method"])} ${String(fields["path"])} ${String(fields["status_code"])}`;
    counts[kind] = (counts[kind] ?? 0) + Number(fields["count"]);
  }
  return counts;
}

export const ofProcess =
  (pid: number) =>
  ({ tags }: Point): boolean =>
    tags["pid"] === String(pid);

/** Compares as sorted lists, which read better when they differ. */
export function sameCounts(t: ExecutionContext, actual: Counts, expected: Counts, what: string): void {
  const sorted = (counts: Counts) => Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  t.deepEqual(sorted(actual), sorted(expected), what);
}
