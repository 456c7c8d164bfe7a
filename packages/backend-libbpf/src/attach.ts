// SPDX-License-Identifier: MIT

import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { SkepError, type Attach, type Link } from "@skep/core";
import { errno } from "./errno.js";
import { explain } from "./explain.js";
import type { LinkPointer } from "./ffi.js";
import type { Host } from "./host.js";
import type { Library } from "./library.js";
import { BpfLink, LinkSet, UserProbeLink } from "./link.js";
import type { Program } from "./object.js";

/** What attaching needs to know beside program and place. */
export interface AttachContext {
  readonly library: Library;
  readonly host: Host;
  readonly plugin: string;
  /** Where cgroup programs without a cgroup of their own go. */
  cgroups(): readonly string[];
}

type CgroupAttach = Extract<Attach, { kind: "cgroup_skb" | "cgroup_sock_addr" | "cgroup_sock" | "sockops" }>;
type UserAttach = Extract<Attach, { kind: "uprobe" | "uretprobe" }>;

/** Iterators are attached when they are read; user probes without a target when somebody finds one. */
export const isDeferred = (where: Attach): boolean =>
  where.kind === "iter" || ((where.kind === "uprobe" || where.kind === "uretprobe") && where.target === undefined);

/** `tp_btf inet_sock_set_state`, `cgroup_skb egress`: a place in words. */
export function describeAttach(where: Attach): string {
  switch (where.kind) {
    case "fentry":
    case "fexit":
    case "kprobe":
    case "kretprobe":
      return `${where.kind} ${where.fn}`;
    case "tracepoint":
      return `tracepoint ${where.category}/${where.event}`;
    case "tp_btf":
    case "raw_tp":
      return `${where.kind} ${where.event}`;
    case "uprobe":
    case "uretprobe":
      return [where.kind, ...describeUser(where)].join(" ");
    case "cgroup_skb":
      return `cgroup_skb ${where.direction}`;
    case "cgroup_sock_addr":
    case "cgroup_sock":
      return `${where.kind} ${where.hook}`;
    case "sockops":
      return "sockops";
    case "iter":
      return `iter ${where.target}`;
  }
}

/** `/usr/bin/bash readline in process 42`, as far as it is known. */
function describeUser({ target, symbol, offset }: UserAttach): readonly string[] {
  const place = symbol ?? (offset === undefined ? undefined : `+0x${offset.toString(16)}`);
  if (target === undefined) return place === undefined ? [] : [place];
  if (!("path" in target)) return [`process ${target.pid}`, ...(place === undefined ? [] : [place])];
  const limit = target.pid === undefined ? [] : [`in process ${target.pid}`];
  return [target.path, ...(place === undefined ? [] : [place]), ...limit];
}

/**
 * Points a program at the kernel function of its manifest, where its section names another or none. Before load:
 * the kernel binds tracing programs to their target when it verifies them, so such a program has one target only.
 */
export function bindTarget(context: AttachContext, program: Program, places: readonly Attach[]): void {
  const targets = new Set(places.map(kernelTarget).filter((target) => target !== undefined));
  if (targets.size > 1) {
    const message = `${context.plugin}: program ${program.name} is bound to one kernel function, not to ${[...targets].join(", ")}`;
    throw new SkepError("SKEP_ERR_OBJECT", message, {
      plugin: context.plugin,
      phase: "load",
      hint: "write a program for each function around one inlined body",
    });
  }
  const [target] = targets;
  if (target === undefined || program.section.endsWith(`/${target}`)) return;
  const { result, printed } = context.library.logged(() =>
    context.library.libbpf.bpf_program__set_attach_target(program.pointer, 0, target),
  );
  if (result < 0) throw attachError(context, program, places[0]!, result, printed);
}

const kernelTarget = (where: Attach): string | undefined => {
  if (where.kind === "fentry" || where.kind === "fexit") return where.fn;
  if (where.kind === "tp_btf") return where.event;
  return undefined;
};

/**
 * Attaches a loaded program to one place; a cgroup program to every cgroup of the context. All or nothing.
 * @throws SkepError `SKEP_ERR_ATTACH`, `SKEP_ERR_PERMISSION`, `SKEP_ERR_CGROUP2_MISSING`
 */
export function attachProgram(context: AttachContext, program: Program, where: Attach): Link {
  switch (where.kind) {
    case "cgroup_skb":
    case "cgroup_sock_addr":
    case "cgroup_sock":
    case "sockops":
      return attachCgroups(context, program, where);
    case "iter":
      throw new SkepError(
        "SKEP_ERR_ATTACH",
        `${context.plugin}: program ${program.name} is an iterator: read it instead`,
      );
    default: {
      requirePerfSource(context, program, where);
      const { result, printed } = context.library.logged(
        () => attachHook(context, program, where) ?? { errno: context.library.native.errno() },
      );
      if (typeof result === "bigint") {
        const isUser = where.kind === "uprobe" || where.kind === "uretprobe";
        return isUser ? new UserProbeLink(context.library, result) : BpfLink.ofPointer(context.library, result);
      }
      throw attachError(context, program, where, result.errno, printed);
    }
  }
}

type HookAttach = Exclude<Attach, CgroupAttach | { kind: "iter" }>;

function attachHook(context: AttachContext, { pointer }: Program, where: HookAttach): LinkPointer | null {
  const { libbpf } = context.library;
  switch (where.kind) {
    case "fentry":
    case "fexit":
    case "tp_btf":
      return libbpf.bpf_program__attach_trace(pointer);
    case "raw_tp":
      return libbpf.bpf_program__attach_raw_tracepoint(pointer, where.event);
    case "tracepoint":
      return libbpf.bpf_program__attach_tracepoint(pointer, where.category, where.event);
    case "kprobe":
    case "kretprobe":
      return libbpf.bpf_program__attach_kprobe(pointer, where.kind === "kretprobe", where.fn);
    case "uprobe":
    case "uretprobe":
      return attachUser(context, pointer, where);
  }
}

/** perf_event_open's pid: every process. */
const ANY_PROCESS = -1;

function attachUser(context: AttachContext, pointer: Program["pointer"], where: UserAttach): LinkPointer | null {
  const { library, host } = context;
  const { target } = where;
  if (target === undefined || (where.symbol === undefined && where.offset === undefined)) {
    const missing = target === undefined ? "target" : "symbol or offset";
    throw new SkepError("SKEP_ERR_ATTACH", `${context.plugin}: ${describeAttach(where)} has no ${missing}`);
  }
  return library.libbpf.bpf_program__attach_uprobe_opts(
    pointer,
    // Of a process, all threads are probed: the kernel compares address spaces, not threads.
    target.pid ?? ANY_PROCESS,
    "path" in target ? target.path : join(host.proc, String(target.pid), "exe"),
    where.offset ?? 0n,
    {
      sz: library.native.sizeof("uprobe_options"),
      ref_ctr_offset: 0,
      bpf_cookie: 0,
      retprobe: where.kind === "uretprobe",
      func_name: where.symbol ?? null,
    },
  );
}

/** Where the kernel has no perf source for probes, libbpf would write names into tracefs that outlive a killed process. */
function requirePerfSource(context: AttachContext, program: Program, where: HookAttach): void {
  const source = where.kind.endsWith("probe") ? (where.kind.startsWith("k") ? "kprobe" : "uprobe") : undefined;
  if (source === undefined || context.host.hasPerfSource(source)) return;
  const words = [`the kernel offers no ${source}s (built without CONFIG_${source.toUpperCase()}_EVENTS)`];
  throw attachError(context, program, where, errno.EOPNOTSUPP, words);
}

function attachCgroups(context: AttachContext, program: Program, where: CgroupAttach): Link {
  const attachType = cgroupAttachType(context, program, where);
  const links = new LinkSet();
  try {
    for (const cgroup of where.cgroup === undefined ? context.cgroups() : [where.cgroup]) {
      links.add(attachCgroup(context, program, where, attachType, cgroup));
    }
  } catch (error) {
    links.close();
    throw error;
  }
  return links;
}

/** Made by `bpf_link_create`, whose links live beside those of other users of the cgroup. */
function attachCgroup(
  context: AttachContext,
  program: Program,
  where: CgroupAttach,
  attachType: number,
  cgroup: string,
): Link {
  const { libbpf } = context.library;
  const directory = openCgroup(context, program, where, cgroup);
  try {
    const fd = libbpf.bpf_link_create(program.fd, directory, attachType, null);
    if (fd < 0) throw attachError(context, program, where, fd, [`cgroup ${cgroup}`]);
    return BpfLink.ofFd(fd);
  } finally {
    closeSync(directory);
  }
}

function openCgroup(context: AttachContext, program: Program, where: CgroupAttach, cgroup: string): number {
  try {
    return openSync(cgroup, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw attachError(context, program, where, (cause as NodeJS.ErrnoException).errno ?? errno.ENOENT, [
      `cgroup ${cgroup}`,
    ]);
  }
}

function cgroupAttachType(context: AttachContext, program: Program, where: CgroupAttach): number {
  const section =
    where.kind === "sockops"
      ? "sockops"
      : where.kind === "cgroup_skb"
        ? `cgroup_skb/${where.direction}`
        : `cgroup/${where.hook}`;
  const type = new Int32Array(1);
  const { result, printed } = context.library.logged(() =>
    context.library.libbpf.libbpf_attach_type_by_name(section, type),
  );
  if (result < 0) throw attachError(context, program, where, result, [`no hook ${section}`, ...printed]);
  return type[0]!;
}

function attachError(
  context: AttachContext,
  program: Program,
  where: Attach,
  code: number,
  printed: readonly string[],
): SkepError {
  const what = `attach program ${program.name} (${describeAttach(where)})`;
  return explain(
    { code: "SKEP_ERR_ATTACH", plugin: context.plugin, phase: "attach", what, errno: code, printed },
    context.host,
  );
}
