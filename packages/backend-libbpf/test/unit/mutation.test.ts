// SPDX-License-Identifier: MIT

import test from "ava";
import type { SkepError } from "@skep/core";
import { findMutations, refuseMutations, type ScannedObject, type ScannedProgram } from "../../src/mutation/refuse.js";
import { AttachType, helperNames, MapType, ProgramType } from "../../src/uapi.js";
import { callFunction, exit, helper, move, program, store32 } from "./support/assemble.js";

const passes = program(move(0, 1), exit());

const scanned = (over: Partial<ScannedProgram>): ScannedProgram => ({
  name: "p",
  typeName: "type",
  type: ProgramType.KPROBE,
  attachType: 0,
  instructions: passes,
  ...over,
});
const object = (over: Partial<ScannedObject>): ScannedObject => ({
  programs: [],
  functions: undefined,
  kfuncs: [],
  maps: [],
  ...over,
});
const mutationsOf = (over: Partial<ScannedProgram>) => findMutations(object({ programs: [scanned(over)] }));

test("a context may be handed to a kernel function that only observes, but not to a function of the object's own", (t) => {
  const programs = [
    scanned({ type: ProgramType.CGROUP_SKB, instructions: program(callFunction(), move(0, 1), exit()) }),
  ];
  const kfuncs = ["bpf_cast_to_kern_ctx"];
  t.deepEqual(findMutations(object({ programs, kfuncs })), []);
  t.deepEqual(findMutations(object({ programs, kfuncs, functions: new Uint8Array() })), []);
  t.is(findMutations(object({ programs, kfuncs, functions: program(exit()) })).length, 1);
});

test("helper numbers are those of the kernel", (t) => {
  const numbers = {
    skb_store_bytes: 9,
    redirect: 23,
    probe_write_user: 36,
    setsockopt: 49,
    override_return: 58,
    send_signal: 109,
    send_signal_thread: 117,
    sk_assign: 124,
    ringbuf_reserve: 131,
    sys_bpf: 166,
    set_retval: 187,
    cgrp_storage_delete: 211,
  };
  for (const [name, number] of Object.entries(numbers)) t.is(helperNames[number], name);
  t.is(helperNames.length, 212);
});

for (const [number, name] of [
  [9, "bpf_skb_store_bytes"],
  [13, "bpf_clone_redirect"],
  [36, "bpf_probe_write_user"],
  [49, "bpf_setsockopt"],
  [58, "bpf_override_return"],
  [109, "bpf_send_signal"],
  [117, "bpf_send_signal_thread"],
  [187, "bpf_set_retval"],
] as const) {
  test(`a program that calls ${name} is refused by its name`, (t) => {
    t.deepEqual(mutationsOf({ instructions: program(helper(number), move(0, 1), exit()) }), [
      `program p (type) calls ${name}`,
    ]);
  });
}

test("helpers that look, count and send to user space are allowed", (t) => {
  const harmless = [1, 2, 3, 5, 14, 16, 26, 46, 59, 107, 112, 113, 130, 131, 132, 133];
  t.deepEqual(mutationsOf({ instructions: program(...harmless.map(helper), move(0, 1), exit()) }), []);
});

test("a helper newer than the list is refused", (t) => {
  t.regex(mutationsOf({ instructions: program(helper(4711), exit()) })[0]!, /helper 4711, unknown/);
});

test("harmful calls in functions that are not inlined are found", (t) => {
  t.deepEqual(findMutations(object({ functions: program(helper(109), exit()) })), [
    "a function that is not inlined calls bpf_send_signal",
  ]);
});

test("program types that act are refused whatever they contain", (t) => {
  const XDP = 6;
  const SCHED_CLS = 3;
  const LSM = 29;
  const MODIFY_RETURN = 26;
  for (const type of [XDP, SCHED_CLS, LSM]) t.regex(mutationsOf({ type })[0]!, /acts on what it sees/);
  t.regex(mutationsOf({ type: ProgramType.TRACING, attachType: MODIFY_RETURN })[0]!, /acts on what it sees/);
  for (const attachType of Object.values(AttachType)) {
    t.deepEqual(mutationsOf({ type: ProgramType.TRACING, attachType }), []);
  }
});

test("cgroup and sockops programs must return 1, tracing programs what they like", (t) => {
  const drops = program(move(0, 0), exit());
  const { CGROUP_SKB, CGROUP_SOCK, CGROUP_SOCK_ADDR, SOCK_OPS, KPROBE, RAW_TRACEPOINT } = ProgramType;
  for (const type of [CGROUP_SKB, CGROUP_SOCK, CGROUP_SOCK_ADDR, SOCK_OPS]) {
    t.deepEqual(mutationsOf({ type }), []);
    t.regex(mutationsOf({ type, instructions: drops })[0]!, /not proven to return 1 .* at instruction 1: .*return 1;/);
  }
  for (const type of [KPROBE, RAW_TRACEPOINT]) t.deepEqual(mutationsOf({ type, instructions: drops }), []);
});

test("a store into the address of a connect is refused", (t) => {
  const instructions = program(move(2, 7), store32(1, 2, 4), move(0, 1), exit());
  t.deepEqual(mutationsOf({ type: ProgramType.CGROUP_SOCK_ADDR, instructions }), [
    "program p (type) writes into its context at instruction 1",
  ]);
});

test("kernel functions not known to only observe are refused, harmless ones are not", (t) => {
  const kfuncs = ["bpf_preempt_disable", "bpf_rdonly_cast", "bpf_iter_num_new", "bpf_sock_destroy"];
  t.deepEqual(findMutations(object({ kfuncs })), [
    "it calls the kernel function bpf_sock_destroy, which is not known to only observe",
  ]);
});

test("maps that steer packets are refused", (t) => {
  const maps = [
    { name: "flows", type: MapType.HASH, typeName: "hash" },
    { name: "peers", type: MapType.SOCKHASH, typeName: "sockhash" },
  ];
  t.deepEqual(findMutations(object({ maps })), ["map peers is a sockhash, whose content steers traffic"]);
});

test("the refusal names plugin, object and program, and how to mean it", (t) => {
  const harmful = object({ programs: [scanned({ name: "on_read", instructions: program(helper(36), exit()) })] });
  const error = t.throws<SkepError>(() => refuseMutations("ebpf-x", "main", harmful));
  t.is(error?.code, "SKEP_ERR_MUTATION");
  t.is(
    error?.message,
    "ebpf-x: object main could change the system: program on_read (type) calls bpf_probe_write_user",
  );
  t.regex(error?.hint ?? "", /allowMutation/);
});
