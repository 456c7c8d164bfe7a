// SPDX-License-Identifier: MIT

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startDatabase } from "./databases.js";
import type { Host, Hosts } from "./hosts.js";
import { commandPath, goServices, python, whyWithout } from "./installed.js";
import { callsOfRequest, databases, necessary, type PlacedCall, type Server } from "./topology.js";

/** Requests that are answered: ids from `first` on. */
export interface Drive {
  readonly first: number;
  readonly count: number;
  readonly concurrency: number;
}

/** Real servers on hosts of their own, and somebody who uses them. */
export interface System {
  /** What one request causes. */
  readonly calls: readonly PlacedCall[];
  /** Drives requests through the system; resolves to the seconds that took. @throws Error when one was not answered with 200 */
  drive(drive: Drive): Promise<number>;
}

const app = (name: string) => fileURLToPath(new URL(`apps/${name}`, import.meta.url));

/** Starts the system, without the databases that are not installed, and waits until it answers. Everything but its user is in `hosts.cgroup`. */
export async function startSystem(hosts: Hosts): Promise<System> {
  const services = await goServices();
  const here = databases.filter((database) => whyWithout(database) === undefined);
  const servers: Server[] = [...necessary, ...here];
  const places = Object.fromEntries(servers.map((server) => [server, hosts.add(server)])) as Record<Server, Host>;
  /** Where the others are, as an application is told. */
  const env = Object.fromEntries(servers.map((server) => [server.toUpperCase(), places[server].address]));

  for (const database of here) await startDatabase[database](hosts, places[database]);
  // Whoever is called comes before its callers.
  const node = { program: process.execPath, args: [app("node.mjs")] };
  const applications = {
    store: { program: services, args: ["store"] },
    node,
    node2: node,
    python: { program: python, args: ["-u", app("python.py")] },
    front: { program: services, args: ["front"] },
    nginx: { program: commandPath("nginx")!, args: nginxArguments(hosts, env["FRONT"]!) },
  };
  for (const server of ["store", "node", "node2", "python", "front", "nginx"] as const)
    await hosts.listening(places[server], 8080, hosts.start(places[server], { ...applications[server], env }));

  const drive = startDriver(hosts, places.nginx.address);
  // The first request says that everybody works; its id is nobody else's.
  await drive({ first: 0, count: 1, concurrency: 1 }).catch((error: unknown) => {
    const logs = servers.map((server) => `--- ${server}\n${hosts.logOf(places[server])}`);
    throw new Error(`the system does not work:\n${logs.join("\n")}`, { cause: error });
  });
  return { calls: callsOfRequest(new Set(servers)), drive };
}

/** A proxy of two workers that goes one step down the tree. */
function nginxArguments(hosts: Hosts, front: string): readonly string[] {
  const { folder } = hosts;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder};`);
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 2; pid ${folder}/nginx.pid; user root;
    events { worker_connections 1024; }
    http {
      access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; ${temporary.join(" ")}
      upstream front { server ${front}:8080; keepalive 128; keepalive_requests 1000000000; keepalive_timeout 1h; }
      server {
        listen 8080;
        location / {
          rewrite ^(.*)$ $1/go break;
          proxy_pass http://front; proxy_http_version 1.1; proxy_set_header Connection "";
        }
      }
    }`,
  );
  return ["-c", join(folder, "nginx.conf"), "-e", join(folder, "nginx.log")];
}

/** The user, who is not observed. */
function startDriver(hosts: Hosts, address: string): System["drive"] {
  const host = hosts.add("driver");
  const child = hosts.start(host, { program: process.execPath, args: [app("driver.mjs"), address], outside: true });
  const lines = createInterface({ input: child.stdout! });
  return async ({ first, count, concurrency }) => {
    child.stdin!.write(`${first} ${count} ${concurrency}\n`);
    const [line] = (await once(lines, "line")) as [string];
    const { seconds, failed } = JSON.parse(line) as { seconds: number; failed: number[] };
    if (failed.length > 0) throw new Error(`${failed.length} of ${count} requests failed, the first ${failed[0]}`);
    return seconds;
  };
}
