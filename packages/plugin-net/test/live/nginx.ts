// SPDX-License-Identifier: MIT

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Spawned, type Teardown, until } from "@skep/testkit";
import { certificate, key } from "./peers.js";

/** Where nginx runs and keeps its files. */
export interface Place {
  readonly t: Teardown;
  readonly folder: string;
  spawn(command: string, args: readonly string[]): Spawned;
}

export interface NginxOptions {
  /** Default `nginx`; it gets nginx's parameters behind its own. */
  readonly command?: readonly string[];
  readonly tls?: boolean;
}

/** Two workers of nginx, with a log of every request: method, uri, status, bytes of the request and of the response. */
export async function startNginx(place: Place, { command = ["nginx"], tls = false }: NginxOptions = {}) {
  const { folder } = place;
  const [program, ...args] = command as [string, ...string[]];
  const port = 20_000 + (process.pid % 20_000);
  const [log, body] = [join(folder, "access.log"), join(folder, "large")];
  writeFileSync(body, "x".repeat(60_000));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder};`);
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 2; pid ${folder}/pid; user root;
    events { worker_connections 512; }
    http {
      log_format truth '$request_method $uri $status $request_length $bytes_sent';
      access_log ${log} truth; keepalive_requests 1000000; ${temporary.join(" ")}
      server {
        listen 127.0.0.1:${port} ${tls ? `ssl http2; ssl_certificate ${certificate}; ssl_certificate_key ${key}` : ""};
        location / { return 200 "hello"; }
        location /status/404 { return 404 "no"; }
        location /post { return 200 "posted"; }
        location /large { root ${folder}; }
      }
    }`,
  );
  const spawned = place.spawn(program, [...args, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")]);
  // Its workers are ended by it alone.
  place.t.teardown(async () => {
    spawned.kill("SIGTERM");
    await spawned.exited;
  });
  const children = () => {
    const text = readFileSync(`/proc/${spawned.pid}/task/${spawned.pid}/children`, "utf8");
    return text.trim().split(" ").filter(Boolean).map(Number);
  };
  await until(() => children().length === 2, { what: "nginx has its workers", deadlineMs: 10_000 });
  return {
    port,
    workers: children(),
    /** What it served so far: counts, and bytes of all requests and responses. */
    served() {
      const rows = readFileSync(log, "utf8").trimEnd().split("\n");
      const counts: Record<string, number> = {};
      let [requestBytes, responseBytes] = [0, 0];
      for (const row of rows) {
        const [method, uri, status, request, response] = row.split(" ");
        const kind = `${method} ${uri} ${status}`;
        counts[kind] = (counts[kind] ?? 0) + 1;
        requestBytes += Number(request);
        responseBytes += Number(response);
      }
      return { counts, requestBytes, responseBytes, requests: rows.length };
    },
  };
}
