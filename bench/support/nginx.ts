// SPDX-License-Identifier: MIT

import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exited, spawnIn } from "./children.js";
import { type Load, saturate, wrk } from "./wrk.js";

/** nginx on loopback, one process that answers "hello", in a cgroup. Needs Debian's nginx-light and wrk. */
export class Nginx {
  readonly #directory = mkdtempSync(join(tmpdir(), "skep-bench-"));
  readonly #url: string;
  readonly #server;

  constructor(cgroup: string, port: number, scheme: "http" | "https" = "http") {
    const directory = this.#directory;
    const tls = scheme === "https" ? makeCertificate(directory) : undefined;
    writeFileSync(
      join(directory, "nginx.conf"),
      `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${directory}; proxy_temp_path ${directory};
  fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
  server { listen 127.0.0.1:${port}${tls ? " ssl" : ""}; ${tls ?? ""} location / { return 200 "hello"; } } }`,
    );
    this.#url = `${scheme}://127.0.0.1:${port}/`;
    const files = ["-c", join(directory, "nginx.conf"), "-e", join(directory, "error.log")];
    this.#server = spawnIn(cgroup, "nginx", files);
  }

  /** @param cgroup where wrk runs */
  load(cgroup: string, seconds: number): ChildProcess {
    return wrk(cgroup, this.#url, seconds);
  }

  /** How many requests were answered in so long. */
  saturate(cgroup: string, seconds: number): Promise<Load> {
    return saturate(cgroup, this.#url, seconds);
  }

  /** The first requests are slower than all others. */
  async warmUp(cgroup: string, seconds: number): Promise<void> {
    await sleep(300);
    await this.saturate(cgroup, seconds);
  }

  async stop(): Promise<void> {
    this.#server.kill();
    await exited(this.#server);
    rmSync(this.#directory, { recursive: true });
  }
}

/** Returns the directives that use it. */
function makeCertificate(directory: string): string {
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt"];
  const what = ["req", "-x509", ...subject, "ec_paramgen_curve:prime256v1", "-keyout", key, "-out", certificate];
  execFileSync("openssl", what, { stdio: "ignore" });
  return `ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}
