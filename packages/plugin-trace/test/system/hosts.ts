// SPDX-License-Identifier: MIT

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cgroup2Root, type Teardown, until } from "@skep/testkit";

/** A host of its own as far as the network is concerned: a namespace with one device, on a bridge with the others. */
export interface Host {
  readonly name: string;
  readonly netns: string;
  readonly address: string;
}

export interface Command {
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it. Default root. */
  readonly user?: string;
  /** Outside what is observed. */
  readonly outside?: boolean;
}

let made = 0;

/** Why there can be no hosts here; undefined when there can. A small kernel has no bridges. */
export function whyNoHosts(): string | undefined {
  const lan = `skep-try-lan-${process.pid}`;
  try {
    ip("netns", "add", lan);
    try {
      ip("-n", lan, "link", "add", "lan", "type", "bridge");
    } finally {
      ip("netns", "delete", lan);
    }
  } catch (error) {
    return `no bridge in a network namespace: ${(error as Error).message.trim().split("\n").at(-1)!}`;
  }
  return undefined;
}

/**
 * Hosts on a network of their own, what runs on them, and the certainty that nothing of it stays: the janitor holds the other end of
 * a pipe and tidies up when this process is gone, whichever way.
 */
export class Hosts {
  /** For files of the servers: anybody may enter. */
  readonly folder = mkdtempSync(join(tmpdir(), "skep-system-"), "utf8");
  /** Everything that is observed runs in it. */
  readonly cgroup: string;
  readonly #outside: string;
  readonly #prefix = `skep-system-${process.pid}-${made++}`;
  readonly #hosts: Host[] = [];
  readonly #janitor: ChildProcess;

  /** @throws Error where there is no cgroup v2 or no network namespace can be made */
  constructor(t: Teardown) {
    const root = cgroup2Root();
    if (root === undefined) throw new Error("no cgroup v2 is mounted");
    const janitor = fileURLToPath(new URL("janitor.mjs", import.meta.url));
    const stdio = ["pipe", "inherit", "inherit"] as const;
    // Of a process group of its own: who interrupts the test from a terminal does not interrupt it.
    this.#janitor = spawn(process.execPath, [janitor, this.#prefix, root, this.folder], {
      stdio: [...stdio],
      detached: true,
    });
    t.teardown(() => this.#tidy());
    execFileSync("chmod", ["755", this.folder]);
    [this.cgroup, this.#outside] = ["", "-outside"].map((suffix) => join(root, this.#prefix + suffix)) as [
      string,
      string,
    ];
    for (const path of [this.cgroup, this.#outside]) mkdirSync(path);
    ip("netns", "add", this.#lan);
    ip("-n", this.#lan, "link", "add", "lan", "type", "bridge");
    ip("-n", this.#lan, "link", "set", "lan", "up");
  }

  /** Makes a host. Names are short: the kernel has 15 bytes for those of devices. */
  add(name: string): Host {
    const netns = `${this.#prefix}-${name}`;
    // Addresses for benchmarks (RFC 2544): nobody else's.
    const host = { name, netns, address: `198.18.60.${this.#hosts.length + 1}` };
    ip("netns", "add", netns);
    ip("-n", netns, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", this.#lan);
    ip("-n", this.#lan, "link", "set", name, "master", "lan", "up");
    ip("-n", netns, "address", "add", `${host.address}/24`, "dev", "eth0");
    for (const device of ["lo", "eth0"]) ip("-n", netns, "link", "set", device, "up");
    this.#hosts.push(host);
    return host;
  }

  /** Starts a command. Standard error goes to {@link logOf} the host, so does standard output unless it runs `outside`. */
  start(host: Host, { program, args = [], env = {}, user, outside = false }: Command): ChildProcess {
    const log = openSync(this.#logFile(host), "a");
    const as = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"];
    // It is in the cgroup before it becomes the command: no instruction of that runs outside.
    const enter = 'echo $$ > "$0/cgroup.procs" || exit 126; exec "$@"';
    // The agent goes first where processors are few: what is asked is what it knows, not how fast a machine is.
    const inside = ["nice", "-n", "15", "ip", "netns", "exec", host.netns, ...as, program, ...args];
    const child = spawn("sh", ["-c", enter, outside ? this.#outside : this.cgroup, ...inside], {
      stdio: outside ? ["pipe", "pipe", log] : ["ignore", log, log],
      env: { ...process.env, ...env },
      cwd: this.folder,
    });
    closeSync(log);
    return child;
  }

  /** Waits until somebody listens. @throws Error with the end of its log when nobody does in time, or it has ended */
  async listening(host: Host, port: number, child: ChildProcess): Promise<void> {
    const listener = () => execFileSync("ss", ["-N", host.netns, "-Hltn", `sport = :${port}`], { encoding: "utf8" });
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    await until(() => ended() || listener() !== "", {
      what: `${host.name} listens on port ${port}`,
      deadlineMs: 60_000,
      everyMs: 50,
    });
    if (ended()) throw new Error(`${host.name} has ended:\n${this.logOf(host)}`);
  }

  /** The last of what it wrote. */
  logOf = (host: Host): string => readFileSync(this.#logFile(host), "utf8").slice(-2_000);

  #logFile = ({ name }: Host): string => join(this.folder, `${name}.log`);

  get #lan(): string {
    return `${this.#prefix}-lan`;
  }

  async #tidy(): Promise<void> {
    this.#janitor.stdin!.end();
    if (this.#janitor.exitCode === null) await new Promise((resolve) => this.#janitor.once("exit", resolve));
    if (this.#janitor.exitCode !== 0) throw new Error("the janitor could not remove everything");
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
