// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Attach, Backend, Capability, Verdict } from "@skep/core";
import { cgroup2Root } from "./cgroup.js";

/**
 * Something a live test cannot do without: a kind of attachment (`tp_btf`, or with its target `fentry:tcp_close`), a capability
 * (`map:ringbuf`), or something of the machine: `root`, `cgroup2`, `netns`, `netem`, `nat`, `command:NAME`.
 */
export type Requirement = string;

/** What an attachment is tried on when the test does not care: things every kernel has. */
const usualTargets: Readonly<Record<string, string>> = {
  fentry: "tcp_close",
  fexit: "tcp_close",
  kprobe: "tcp_close",
  kretprobe: "tcp_close",
  tracepoint: "sched/sched_process_exit",
  tp_btf: "sched_process_exit",
  raw_tp: "sched_process_exit",
  iter: "tcp",
  cgroup_skb: "ingress",
  cgroup_sock_addr: "connect4",
  cgroup_sock: "post_bind4",
};

/** A function of the C library that hardly anybody calls, so that trying a probe on it disturbs nobody. */
const usualSymbol = "adjtime";

const capabilities = ["map", "prog", "helper", "ksym", "btf", "kconfig"];

/** Whether this machine fulfils a requirement. Tries, never guesses; leaves nothing behind. */
export async function verdictOn(requirement: Requirement, backend: () => Promise<Backend>): Promise<Verdict> {
  const [kind = "", ...rest] = requirement.split(":");
  const ofMachine = machineVerdict(kind, rest.join(":"));
  if (ofMachine !== undefined) return ofMachine;
  const isRoot = machineVerdict("root", "")!;
  if (!isRoot.supported) return isRoot;
  try {
    return await (await backend()).probe(probedBy(requirement));
  } catch (error) {
    return { supported: false, reason: (error as Error).message };
  }
}

/** What the backend is asked for. @throws Error for a requirement nobody knows. */
export function probedBy(requirement: Requirement): Attach | Capability {
  const at = requirement.indexOf(":");
  const kind = at < 0 ? requirement : requirement.slice(0, at);
  const target = at < 0 ? (usualTargets[kind] ?? "") : requirement.slice(at + 1);
  if (capabilities.includes(kind)) return requirement as Capability;
  switch (kind) {
    case "fentry":
    case "fexit":
    case "kprobe":
    case "kretprobe":
      return { kind, fn: target };
    case "tracepoint": {
      const [category = "", event = ""] = target.split("/");
      return { kind, category, event };
    }
    case "tp_btf":
    case "raw_tp":
      return { kind, event: target };
    case "uprobe":
    case "uretprobe":
      return { kind, target: { path: libcPath() }, symbol: target || usualSymbol };
    case "iter":
      return { kind, target };
    case "cgroup_skb":
      return { kind, direction: target === "egress" ? "egress" : "ingress" };
    case "cgroup_sock_addr":
    case "cgroup_sock":
      return { kind, hook: target };
    case "sockops":
      return { kind };
    default:
      throw new Error(`nobody knows how to find out about ${requirement}`);
  }
}

function libcPath(): string {
  const mapped = /\S*\/libc[.-][^\s/]*so[^\s/]*$/m.exec(readFileSync("/proc/self/maps", "utf8"));
  return mapped?.[0] ?? "libc.so.6";
}

const yes: Verdict = { supported: true };
const no = (reason: string): Verdict => ({ supported: false, reason });

const natRule =
  "add table ip t; add chain ip t c { type nat hook output priority -100 ; }; " +
  "add rule ip t c ip daddr 192.0.2.9 tcp dport 80 dnat to 192.0.2.1:8080";

/** Undefined for what is a matter of the kernel's BPF. */
function machineVerdict(kind: string, name: string): Verdict | undefined {
  switch (kind) {
    case "root":
      return process.getuid?.() === 0 ? yes : no("needs root");
    case "cgroup2":
      return cgroup2Root() === undefined ? no("no cgroup v2 is mounted") : yes;
    case "command":
      return succeeds("sh", "-c", 'command -v "$1"', "sh", name) ? yes : no(`there is no command ${name}`);
    case "netns":
      return inThrowawayNetns("true") ? yes : no("no network namespace can be made");
    case "netem":
      return inThrowawayNetns(..."tc qdisc add dev lo root netem delay 1ms".split(" "))
        ? yes
        : no("the kernel has no netem");
    case "nat":
      return inThrowawayNetns("nft", natRule) ? yes : no("no rule of destination NAT can be made (nftables)");
    default:
      return undefined;
  }
}

/** iproute2 alone: small systems lack unshare. */
function inThrowawayNetns(...command: readonly string[]): boolean {
  const name = `skep-try-${process.pid}`;
  try {
    return succeeds("ip", "netns", "add", name) && succeeds("ip", "netns", "exec", name, ...command);
  } finally {
    succeeds("ip", "netns", "del", name);
  }
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
