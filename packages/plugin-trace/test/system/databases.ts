// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host, Hosts } from "./hosts.js";
import { commandPath, postgresPath, rabbitmq } from "./installed.js";
import type { Database } from "./topology.js";

/** A directory of a server's user, who alone may be able to enter it. */
function ownFolder(hosts: Hosts, name: string, user: string): string {
  const folder = join(hosts.folder, name);
  mkdirSync(folder, { mode: 0o750 });
  execFileSync("chown", [`${user}:${user}`, folder]);
  return folder;
}

const as = (user: string, program: string, ...args: readonly string[]) =>
  execFileSync("setpriv", [`--reuid=${user}`, `--regid=${user}`, "--init-groups", program, ...args], {
    stdio: "pipe",
    cwd: "/",
  });

async function postgres(hosts: Hosts, host: Host): Promise<void> {
  const data = ownFolder(hosts, "postgres", "postgres");
  as("postgres", postgresPath("initdb")!, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync");
  writeFileSync(join(data, "pg_hba.conf"), "host all all 0.0.0.0/0 trust\n");
  const settings = ["listen_addresses=*", "max_connections=300", "fsync=off", `unix_socket_directories=${data}`];
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  await hosts.listening(host, 5432, hosts.start(host, { program: postgresPath("postgres")!, args, user: "postgres" }));
}

async function mariadb(hosts: Hosts, host: Host): Promise<void> {
  const data = ownFolder(hosts, "mariadb", "mysql");
  as("mysql", "mariadb-install-db", "--no-defaults", `--datadir=${data}`, "--skip-test-db", "--skip-name-resolve");
  const init = join(hosts.folder, "mariadb.sql");
  writeFileSync(init, "CREATE USER app@'%' IDENTIFIED BY '';\n");
  const settings = [`datadir=${data}`, `socket=${data}/socket`, `init-file=${init}`, "bind-address=0.0.0.0"];
  const args = ["--no-defaults", ...[...settings, "max-connections=300", "skip-name-resolve"].map((one) => `--${one}`)];
  await hosts.listening(host, 3306, hosts.start(host, { program: commandPath("mariadbd")!, args, user: "mysql" }));
}

async function redis(hosts: Hosts, host: Host): Promise<void> {
  const folder = ownFolder(hosts, "redis", "redis");
  const settings = { dir: folder, port: "6379", bind: "0.0.0.0", "protected-mode": "no", save: "" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  await hosts.listening(host, 6379, hosts.start(host, { program: commandPath("redis-server")!, args, user: "redis" }));
}

/** Starts epmd too, whose port is in the same namespace. */
async function rabbit(hosts: Hosts, host: Host): Promise<void> {
  const folder = ownFolder(hosts, "rabbitmq", "rabbitmq");
  const config = join(hosts.folder, "rabbitmq.conf");
  writeFileSync(config, "listeners.tcp.default = 0.0.0.0:5672\nloopback_users = none\nlog.console = true\n");
  const env = {
    HOME: folder,
    RABBITMQ_NODENAME: "system@localhost",
    RABBITMQ_MNESIA_BASE: folder,
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_GENERATED_CONFIG_DIR: folder,
    RABBITMQ_PID_FILE: join(folder, "pid"),
    // Schedulers that spin while they wait would take the machine from the others.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +S 1:1",
  };
  await hosts.listening(host, 5672, hosts.start(host, { program: rabbitmq, env, user: "rabbitmq" }));
}

/** How each is started, with data of its own; it listens when the promise resolves. */
export const startDatabase: Readonly<Record<Database, (hosts: Hosts, host: Host) => Promise<void>>> = {
  postgres,
  mariadb,
  redis,
  rabbitmq: rabbit,
};
