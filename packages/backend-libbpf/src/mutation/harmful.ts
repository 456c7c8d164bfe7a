// SPDX-License-Identifier: MIT

import { AttachType, helperNames, MapType, ProgramType } from "../uapi.js";

/** Helpers that change a packet, a socket, a process or another program's outcome. What is missing here only looks. */
const harmfulHelpers: ReadonlySet<string> = new Set(
  `skb_store_bytes l3_csum_replace l4_csum_replace clone_redirect skb_vlan_push skb_vlan_pop skb_set_tunnel_key redirect
  skb_set_tunnel_opt skb_change_proto skb_change_type probe_write_user skb_change_tail csum_update set_hash_invalid
  skb_change_head xdp_adjust_head set_hash setsockopt skb_adjust_room redirect_map sk_redirect_map sock_map_update
  xdp_adjust_meta override_return msg_redirect_map msg_apply_bytes msg_cork_bytes msg_pull_data bind xdp_adjust_tail
  sock_hash_update msg_redirect_hash sk_redirect_hash lwt_push_encap lwt_seg6_store_bytes lwt_seg6_adjust_srh
  lwt_seg6_action rc_repeat rc_keydown rc_pointer_rel sk_select_reuseport msg_push_data msg_pop_data skb_ecn_set_ce
  sysctl_set_new_value send_signal send_signal_thread tcp_send_ack sk_assign csum_level store_hdr_opt reserve_hdr_opt
  redirect_neigh redirect_peer bprm_opts_set sys_bpf sys_close set_retval xdp_store_bytes skb_set_tstamp`.split(/\s+/),
);

/** Name of a helper that changes the system, or undefined for one that only looks. */
export function harmfulHelper(number: number): string | undefined {
  const name = helperNames[number];
  if (name === undefined) return `helper ${number}, unknown to this version of Skep`;
  return harmfulHelpers.has(name) ? `bpf_${name}` : undefined;
}

/**
 * Kernel functions that only look, or take and give back references. Others are refused:
 * kfuncs have no numbers and come with each kernel, so a list of the harmful ones would always be behind.
 */
const harmlessKfunc = new RegExp(
  `^bpf_(${[
    "preempt_(dis|en)able",
    "rcu_read_(un)?lock",
    "local_irq_(save|restore)",
    "rdonly_cast",
    "cast_to_kern_ctx",
    "iter_\\w+_(new|next|destroy)",
    "task_(acquire|release|from_pid|from_vpid|under_cgroup|get_cgroup1|get_cgroup_ancestor)",
    "cgroup_(acquire|release|ancestor|from_id)",
    "(skb|xdp)_ct_lookup",
    "ct_release",
    "get_(task_exe_file|fsverity_digest|file_xattr|kmem_cache|mem_cgroup)",
    "put_file",
    "path_d_path",
    "(probe_read|copy_from)_user\\w*",
    "dynptr_(from_(skb|xdp)|slice|adjust|is_null|is_rdonly|size|clone|copy)",
    "cpumask_\\w+",
    "str(cmp|len|nlen|chr|nchr|rchr|str|nstr|spn|cspn)\\w*",
    "sock_addr_\\w*get\\w*",
  ].join("|")})$`,
);
export const isHarmlessKfunc = (name: string): boolean => harmlessKfunc.test(name);

const observingPrograms: ReadonlySet<number> = new Set([
  ProgramType.KPROBE,
  ProgramType.TRACEPOINT,
  ProgramType.RAW_TRACEPOINT,
  ProgramType.PERF_EVENT,
]);
const observingTracing: ReadonlySet<number> = new Set(Object.values(AttachType));
const verdictPrograms: ReadonlySet<number> = new Set([
  ProgramType.CGROUP_SKB,
  ProgramType.CGROUP_SOCK,
  ProgramType.CGROUP_SOCK_ADDR,
  ProgramType.SOCK_OPS,
]);

/**
 * What the kernel does with the result of a program: nothing (`ignored`), or lets a packet, call or other programs' answer
 * through when it is 1 (`verdict`). `acts` are programs that exist to change things, such as XDP, tc, LSM or fmod_ret.
 */
export function outcomeOf(programType: number, attachType: number): "ignored" | "verdict" | "acts" {
  if (verdictPrograms.has(programType)) return "verdict";
  if (observingPrograms.has(programType)) return "ignored";
  if (programType === ProgramType.TRACING && observingTracing.has(attachType)) return "ignored";
  return "acts";
}

const actingMaps: ReadonlySet<number> = new Set([
  MapType.DEVMAP,
  MapType.DEVMAP_HASH,
  MapType.SOCKMAP,
  MapType.SOCKHASH,
  MapType.CPUMAP,
  MapType.XSKMAP,
  MapType.REUSEPORT_SOCKARRAY,
  MapType.STRUCT_OPS,
]);

/** Maps whose content steers packets or replaces kernel functions. */
export const isActingMap = (mapType: number): boolean => actingMaps.has(mapType);
