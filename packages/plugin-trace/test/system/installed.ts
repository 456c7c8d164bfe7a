// SPDX-License-Identifier: MIT

import { execFile, execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Database } from "./topology.js";

/** Debian's own, for which python3-pymysql is installed, and not whatever `python3` in PATH may be. */
export const python = "/usr/bin/python3";

/** A program in PATH or where administrators' programs are. */
export const commandPath = (name: string): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Debian keeps those of PostgreSQL out of PATH. */
export const postgresPath = (name: "initdb" | "postgres"): string | undefined => {
  try {
    const folder = execFileSync("sh", ["-c", "ls -d /usr/lib/postgresql/*/bin | tail -n 1"], { encoding: "utf8" });
    const path = join(folder.trim(), name);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
};

/** RabbitMQ's own script: the one in PATH insists on the directories of the system's instance. */
export const rabbitmq = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** Why there can be no system on this machine; undefined when there can. */
export function whyNot(): string | undefined {
  for (const name of ["nginx", "go", "ip", "ss", "setpriv"])
    if (commandPath(name) === undefined) return `no command ${name}`;
  return existsSync(python) ? undefined : `no ${python}`;
}

/** Why a database is left out of the system; undefined when it is not. */
export function whyWithout(database: Database): string | undefined {
  // They run as users of their own, and their scripts say things to nobody.
  if ((statSync("/dev/null").mode & 0o006) !== 0o006)
    return "only root may use /dev/null here (mend: chmod 666 /dev/null)";
  switch (database) {
    case "postgres":
      return postgresPath("initdb") === undefined ? "PostgreSQL is not installed" : undefined;
    case "mariadb":
      if (commandPath("mariadbd") === undefined) return "MariaDB is not installed";
      return canImport("pymysql") ? undefined : "Python has no pymysql";
    case "redis":
      return commandPath("redis-server") === undefined ? "Redis is not installed" : undefined;
    case "rabbitmq":
      return existsSync(rabbitmq) ? undefined : "RabbitMQ is not installed";
  }
}

function canImport(module: string): boolean {
  try {
    execFileSync(python, ["-c", `import ${module}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * The services in Go, compiled. Their modules come through Go's module proxy the first time.
 * @throws Error with the compiler's words, when modules cannot be had for example
 */
export async function goServices(): Promise<string> {
  const program = fileURLToPath(new URL("../../dist/test-bin/system-services", import.meta.url));
  const partial = `${program}.${process.pid}`;
  await mkdir(dirname(program), { recursive: true });
  await promisify(execFile)("go", ["build", "-trimpath", "-o", partial, "."], {
    cwd: fileURLToPath(new URL("apps/go/", import.meta.url)),
    env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly" },
  });
  await rename(partial, program);
  return program;
}
