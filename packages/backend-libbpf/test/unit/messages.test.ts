// SPDX-License-Identifier: MIT

import test from "ava";
import { constants } from "node:os";
import { errnoName, isPassing } from "../../src/errno.js";
import { explain, requireBpf, type Privileges } from "../../src/explain.js";
import { essence } from "../../src/log.js";
import type { SkepError } from "@skep/core";

const { EAGAIN, EPERM, EINVAL, ENOMEM } = constants.errno;

/** What libbpf 1.1 prints when the verifier refuses a program, as captured. */
const refusedByVerifier = [
  "libbpf: prog 'on_close': BPF program load failed: Permission denied\n",
  "libbpf: prog 'on_close': -- BEGIN PROG LOAD LOG --\n" +
    "0: R1=ctx(off=0,imm=0) R10=fp0\n; int on_close(void *ctx)\n0: (79) r1 = *(u64 *)(r1 +8)\n" +
    "1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\n" +
    "verification time 60 usec\nstack depth 0\n" +
    "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n" +
    "-- END PROG LOAD LOG --\n",
  "libbpf: prog 'on_close': failed to load: -13\n",
  "libbpf: failed to load object 'net'\n",
];
const refusedByLockdown = [
  "libbpf: prog 'on_send': BPF program load failed: Operation not permitted\n",
  "libbpf: permission error while running as root; try raising 'ulimit -l'? current value: 8.0 MiB\n",
  "libbpf: prog 'on_send': failed to load: -1\n",
];

const root = (mode: ReturnType<Privileges["lockdown"]>): Privileges => ({
  lockdown: () => mode,
  missingCapabilities: () => [],
});
const user: Privileges = {
  lockdown: () => "none",
  missingCapabilities: () => ["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_PERFMON", "CAP_BPF"],
};
const failure = (errno: number, printed: readonly string[]) =>
  ({ code: "SKEP_ERR_LOAD", plugin: "ebpf-net", phase: "load", what: "load object net", errno, printed }) as const;

test("the essence of a refusal is the first error and the verifier's last words", (t) => {
  t.is(
    essence(refusedByVerifier),
    "prog 'on_close': BPF program load failed: Permission denied\n" +
      "0: R1=ctx(off=0,imm=0) R10=fp0\n; int on_close(void *ctx)\n0: (79) r1 = *(u64 *)(r1 +8)\n" +
      "1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'",
  );
});

test("a verifier's log of any length ends in its verdict and stays readable", (t) => {
  const long = Array.from({ length: 100_000 }, (_, at) => `${at}: (b7) r0 = 0`).join("\n");
  const words = essence([`libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n${long}\nR1 is bad\n-- END PROG LOAD LOG --\n`]);
  t.true(words.endsWith("R1 is bad"));
  t.true(words.length < 1300);
});

test("silence of libbpf is an empty essence", (t) => t.is(essence([]), ""));

test("EPERM of root under lockdown is explained as lockdown, never as an rlimit", (t) => {
  const error = explain(failure(-EPERM, refusedByLockdown), root("confidentiality"));
  t.is(error.code, "SKEP_ERR_LOAD");
  t.is(
    error.message,
    "ebpf-net: load object net: EPERM: the kernel is locked down (confidentiality): " +
      "prog 'on_send': BPF program load failed: Operation not permitted",
  );
  t.notRegex(error.message + error.hint, /ulimit|rlimit|memlock/i);
  t.regex(error.hint ?? "", /lockdown/);
});

test("EPERM of root where lockdown cannot be seen names what it may be and how to find out", (t) => {
  const error = explain(failure(-EPERM, refusedByLockdown), root(undefined));
  t.regex(error.message, /every capability: lockdown, an LSM or a seccomp filter/);
  t.regex(error.hint ?? "", /securityfs/);
});

test("EPERM for want of capabilities says which, as a permission error", (t) => {
  const error = explain(failure(-EPERM, refusedByLockdown), user);
  t.is(error.code, "SKEP_ERR_PERMISSION");
  t.regex(error.message, /lacks CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF/);
  t.regex(error.hint ?? "", /CAP_BPF/);
});

test("without CAP_BPF nothing is tried, with CAP_SYS_ADMIN it is not missed", (t) => {
  const error = t.throws<SkepError>(() => requireBpf(user, "ebpf-net"));
  t.is(error?.code, "SKEP_ERR_PERMISSION");
  t.notThrows(() => requireBpf({ ...user, missingCapabilities: () => ["CAP_BPF", "CAP_PERFMON"] }, "ebpf-net"));
});

test("a verifier that was interrupted is told as such, and is no verdict about the kernel", (t) => {
  const error = explain(failure(-EAGAIN, []), root("none"));
  t.is(error.message, "ebpf-net: load object net: EAGAIN: the verifier was interrupted each time");
  t.regex(error.hint ?? "", /do not stop, freeze or trace/);
  t.true(isPassing(error));
});

test("other errors keep their name and get no hint about privileges", (t) => {
  const error = explain(failure(-EINVAL, []), user);
  t.is(error.message, "ebpf-net: load object net: EINVAL");
  t.is(error.hint, undefined);
});

test("a host short of memory is no verdict about the kernel", (t) => {
  t.true(isPassing(explain(failure(-ENOMEM, []), root("none"))));
  t.false(isPassing(explain(failure(-EINVAL, []), root("none"))));
});

test("errors of the kernel and of libbpf that libc does not know have names", (t) => {
  t.is(errnoName(-524), "ENOTSUPP");
  t.is(errnoName(4001), "libbpf error 4001");
  t.is(errnoName(EPERM), "EPERM");
});
