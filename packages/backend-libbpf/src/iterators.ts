// SPDX-License-Identifier: MIT

import { SkepError, type Attach, type IteratorTarget } from "@skep/core";
import type { AttachContext } from "./attach.js";
import { errno } from "./errno.js";
import { explain } from "./explain.js";
import { BpfLink } from "./link.js";
import type { Program } from "./object.js";

type IteratorAttach = Extract<Attach, { kind: "iter" }>;

/**
 * Links an iterator program. `iter/bpf_map_elem` walks a map of its own object, `iter/task*` may be held to one process.
 * @throws SkepError `SKEP_ERR_ATTACH`, or `SKEP_ERR_OBJECT` when there is no such map.
 */
export function linkIterator(
  context: AttachContext,
  program: Program,
  where: IteratorAttach,
  target: IteratorTarget = {},
): BpfLink {
  if (where.map !== undefined) return link(context, program, where, mapInfo(program, where.map));
  if (target.pid === undefined) return link(context, program, where, null);
  try {
    return link(context, program, where, taskInfo(target.pid));
  } catch (error) {
    // Before Linux 6.1 the parameter is unknown: every task is walked and the program filters.
    const { code } = ((error as SkepError).cause ?? {}) as { code?: string };
    if (code !== "E2BIG" && code !== "EINVAL") throw error;
    return link(context, program, where, null);
  }
}

/** `union bpf_iter_link_info` of a map: its descriptor. */
function mapInfo(program: Program, name: string): Uint8Array {
  const map = program.object.maps.get(name);
  if (map !== undefined) return new Uint8Array(Uint32Array.of(map.fd).buffer);
  const message = `object ${program.object.name} has no map ${name} for iterator ${program.name}`;
  throw new SkepError("SKEP_ERR_OBJECT", message, { phase: "attach" });
}

/** The same of tasks: thread, process, pidfd; one of them set. */
const taskInfo = (pid: number): Uint8Array => new Uint8Array(Uint32Array.of(0, pid, 0).buffer);

function link(context: AttachContext, program: Program, where: IteratorAttach, info: Uint8Array | null): BpfLink {
  const { library } = context;
  const options = info && { sz: library.native.sizeof("iter_options"), link_info: info, link_info_len: info.length };
  const { result, printed } = library.logged(
    () => library.libbpf.bpf_program__attach_iter(program.pointer, options) ?? { errno: library.native.errno() },
  );
  if (typeof result === "bigint") return BpfLink.ofPointer(library, result);
  const what = `attach iterator ${program.name} (iter ${where.target})`;
  const code = result.errno || errno.EINVAL;
  throw explain(
    { code: "SKEP_ERR_ATTACH", plugin: context.plugin, phase: "attach", what, errno: code, printed },
    context.host,
  );
}
