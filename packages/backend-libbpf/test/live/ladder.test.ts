// SPDX-License-Identifier: MIT

import { until } from "@skep/testkit";
import test from "ava";
import type { Cursor, OpenRequest, SkepError, Strategy } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { inKernel, nothing, nothingLeft } from "./support/kernel.js";
import { group, request } from "./support/request.js";

const bytes = await compile("ladder");
const PROGRAMS = ["by_fentry", "by_kprobe", "by_tp_btf", "by_raw_tp", "refused_by_verifier"];
/** Of the names of its maps, one that nobody else uses. */
const TRACES = [...PROGRAMS, "ladder_counts"];

const fentry: Strategy = { name: "fentry", programs: { by_fentry: { kind: "fentry", fn: "ksys_write" } } };
const kprobe: Strategy = { name: "kprobe", programs: { by_kprobe: { kind: "kprobe", fn: "ksys_write" } } };
const raw: Strategy = { name: "raw", programs: { by_raw_tp: { kind: "raw_tp", event: "sys_enter" } } };
const btf: Strategy = {
  name: "btf",
  programs: { by_tp_btf: { kind: "tp_btf", event: "sys_enter" } },
  limits: "sees nothing but system calls",
};
const unverifiable: Strategy = {
  name: "unverifiable",
  programs: { refused_by_verifier: { kind: "raw_tp", event: "sys_enter" } },
};
const ask = (strategies: readonly [Strategy, ...Strategy[]], over: Partial<OpenRequest> = {}): OpenRequest =>
  request({
    objects: { ladder: bytes },
    probes: { calls: group(...strategies) },
    rodata: { target_tgid: process.pid, enabled: true },
    ...over,
  });

/** System calls that the programs count; `process.ppid` is one getppid each time. */
const call = (times: number): void => {
  for (let count = 0; count < times; count++) void process.ppid;
};
const failure = async (attempt: Promise<unknown>): Promise<SkepError> =>
  attempt.then(
    () => Promise.reject(new Error("it worked")),
    (error: SkepError) => error,
  );

test.serial(
  "the first strategy that loads and attaches wins, and the ones before it say why not, on every kernel",
  async (t) => {
    const backend = libbpfBackend();
    const unsupported = (await backend.probe({ kind: "fentry", fn: "ksys_write" })).supported === false;
    const { calls } = await backend.choose(ask([fentry, kprobe, unverifiable, btf, raw]));
    t.is(calls?.name, unsupported ? "btf" : "fentry");
    if (unsupported) {
      t.deepEqual(
        calls?.refused.map(({ name }) => name),
        ["fentry", "kprobe", "unverifiable"],
      );
      t.regex(calls?.refused[0]?.reason ?? "", /load object ladder: EPERM: .*(lockdown|locked down)/);
      t.regex(calls?.refused[2]?.reason ?? "", /EACCES: .*\n[\s\S]*invalid mem access/);
      t.notRegex(JSON.stringify(calls), /ulimit/);
      t.is(calls?.limits, "sees nothing but system calls");
    }
    t.true(await nothingLeft(TRACES));
  },
);

test.serial(
  "a forced strategy is used although one before it works, and an unknown one is named with those there are",
  async (t) => {
    const backend = libbpfBackend();
    const { calls } = await backend.choose(ask([btf, raw], { force: { calls: "raw" } }));
    t.deepEqual(calls, { name: "raw", refused: [] });
    const error = await failure(backend.choose(ask([btf, raw], { force: { calls: "magic" } })));
    t.regex(error.message, /no strategy magic; it has btf, raw/);
  },
);

test.serial("a requirement that is a definite no skips the strategy, one that cannot be told does not", async (t) => {
  const backend = libbpfBackend();
  const { calls } = await backend.choose(
    ask([
      { ...btf, requires: ["ksym:no_such_function_anywhere"] },
      { ...raw, requires: ["map:no_such_map_type", "ksym:tcp_close"] },
    ]),
  );
  t.is(calls?.name, "raw");
  t.regex(calls?.refused[0]?.reason ?? "", /needs ksym:no_such_function_anywhere: the kernel has no symbol/);
});

test.serial("a mandatory group that cannot run fails the open with every reason and leaves nothing", async (t) => {
  const backend = libbpfBackend();
  const error = await failure(backend.open(ask([unverifiable])));
  t.is(error.code, "SKEP_ERR_PROBES");
  t.regex(error.message, /live-test: no strategy of probe group calls works here:\n {2}unverifiable: .*EACCES/);
  t.true(await nothingLeft(TRACES));
});

test.serial("an optional group that cannot run leaves the others running", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(
    ask([raw], {
      probes: { calls: group(raw), extra: { ...group(unverifiable), optional: true } },
    }),
  );
  t.is(session.strategies["calls"]?.name, "raw");
  t.is(session.strategies["extra"]?.name, undefined);
  t.true(session.hasProgram("by_raw_tp"));
  t.false(session.hasProgram("refused_by_verifier"));
  await session.attach();
  await backend.close();
  t.true(await nothingLeft(TRACES));
});

for (const strategy of [btf, raw]) {
  test.serial(
    `${strategy.name}: what is observed is what was done, in this process only, on every kernel`,
    async (t) => {
      const backend = libbpfBackend();
      const stamp = 0xfedc_ba98_7654_3210n;
      const session = await backend.open(
        ask([strategy], { rodata: { target_tgid: process.pid, enabled: true, stamp } }),
      );
      call(5);
      t.is(session.ring("ladder_events").pending(), 0, "nothing is observed before attach");
      await session.attach();
      call(20);
      const seen: { sequence: number; pid: number; time: bigint }[] = [];
      session.ring("ladder_events").drain(({ u32, bytes, at }: Cursor) => {
        const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
        seen.push({ time, pid: u32[(at + 8) >> 2]!, sequence: u32[(at + 12) >> 2]! });
      }, Infinity);
      await backend.close();
      // Every fourth is discarded by the program.
      const expected = Array.from({ length: 20 }, (_, index) => index + 1).filter((sequence) => sequence % 4 !== 3);
      t.deepEqual(
        seen,
        expected.map((sequence) => ({ time: stamp, pid: process.pid, sequence })),
      );
    },
  );
}

test.serial("a full ring loses records only as counted: observed = read + lost, on every kernel", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(ask([btf], { mapEntries: { ladder_events: 65536 } }));
  await session.attach();
  const ring = session.ring("ladder_events");
  t.is(ring.size, 65536);
  call(2000);
  const lostInKernel = () => {
    const values = session.map("ladder_lost").lookup(new Uint8Array(4))!;
    return [...new BigUint64Array(values.buffer)].reduce((sum, each) => sum + Number(each), 0);
  };
  const counts = session.map("ladder_counts").lookup(new Uint8Array(Uint32Array.of(process.pid).buffer))!;
  const observed = Number(new BigUint64Array(counts.buffer)[0]);
  const lost = lostInKernel();
  // 136 bytes a record with its header.
  t.is(observed - lost, Math.floor(65536 / 136));
  const sequences: number[] = [];
  ring.drain(({ u32, at }) => sequences.push(u32[(at + 12) >> 2]!), Infinity);
  t.is(sequences.length, Array.from({ length: observed - lost }, (_, at) => at + 1).filter((n) => n % 4 !== 3).length);
  t.is(observed, 2000);
  await backend.close();
});

test.serial("a sleeper on an empty ring is woken once by the first record, on every kernel", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(ask([raw]));
  await session.attach();
  const ring = session.ring("ladder_events");
  for (let round = 0; round < 3; round++) {
    let wakes = 0;
    ring.wait(() => wakes++);
    call(3);
    await until(() => wakes > 0, { what: "the sleeper is woken" });
    t.true(ring.drain(() => {}, Infinity) > 0);
    call(3);
    await new Promise((resolve) => setImmediate(resolve));
    t.is(wakes, 1);
    ring.drain(() => {}, Infinity);
  }
  ring.wait(() => t.fail("cancelled"));
  ring.cancelWait();
  call(1);
  await new Promise((resolve) => setImmediate(resolve));
  await backend.close();
});

test.serial("constants and maps that no object has are refused by name", async (t) => {
  const backend = libbpfBackend();
  const constant = await failure(backend.choose(ask([raw], { rodata: { target_tgif: 1 } })));
  t.is(constant.code, "SKEP_ERR_OBJECT");
  t.regex(constant.message, /no object has a constant target_tgif; there are .*target_tgid/);
  const map = await failure(backend.choose(ask([raw], { mapEntries: { flows: 1 } })));
  t.regex(map.message, /no object has a map flows; there are ladder_events, ladder_lost, ladder_counts/);
  const program = await failure(
    backend.choose(ask([{ name: "x", programs: { by_magic: { kind: "raw_tp", event: "sys_enter" } } }])),
  );
  t.regex(program.message, /no program by_magic; it has by_fentry, by_kprobe/);
});

test.serial("bytes that are no object are refused with libbpf's words", async (t) => {
  const error = await failure(
    libbpfBackend().choose(request({ objects: { x: Buffer.from("no ELF") }, probes: { calls: group(raw) } })),
  );
  t.is(error.code, "SKEP_ERR_OBJECT");
});

test.serial("a kernel without BTF is told so before anything is tried", async (t) => {
  const error = await failure(libbpfBackend({ host: { sys: "/nonexistent" } }).choose(ask([raw])));
  t.is(error.code, "SKEP_ERR_BTF_MISSING");
  t.regex(error.hint ?? "", /CONFIG_DEBUG_INFO_BTF/);
});

test.serial("layouts come from the object's own BTF", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(ask([raw]));
  t.deepEqual(session.layoutOf("ladder_event"), {
    struct: "ladder_event",
    size: 128,
    fields: [
      { name: "time", offset: 0, size: 8 },
      { name: "pid", offset: 8, size: 4 },
      { name: "sequence", offset: 12, size: 4 },
      { name: "payload", offset: 16, size: 112 },
    ],
  });
  t.is(session.layoutOf("no_such_struct"), undefined);
  await backend.close();
});

test.serial("attach is all or nothing: the failure of one program detaches the others", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(
    ask([{ name: "both", programs: { ...raw.programs, by_uprobe: { kind: "uprobe" } } }]),
  );
  const error = t.throws<SkepError>(() =>
    session.attachTo("by_uprobe", { kind: "uprobe", target: { path: "/nonexistent" }, symbol: "main" }),
  );
  t.is(error?.code, "SKEP_ERR_ATTACH");
  t.regex(error?.message ?? "", /attach program by_uprobe \(uprobe \/nonexistent main\): ENOENT/);
  t.is(inKernel(["by_raw_tp"]).links, 0);
  await session.attach();
  await session.attach();
  t.is(inKernel(["by_raw_tp"]).links, 1);
  await backend.close();
});

test.serial("everything may be closed twice, in any order, and says closed afterwards", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(ask([raw]));
  await session.attach();
  const ring = session.ring("ladder_events");
  const map = session.map("ladder_counts");
  // Another event: before 6.10 the kernel takes a program only once at the same raw tracepoint.
  const link = session.attachTo("by_raw_tp", { kind: "raw_tp", event: "sys_exit" });
  call(10);
  let kept: Cursor | undefined;
  ring.drain((record) => (kept = record), Infinity);
  link.close();
  link.close();
  await session.close();
  await session.close();
  const codes = [
    () => ring.drain(() => {}, Infinity),
    () => ring.pending(),
    () => ring.wait(() => {}),
    () => map.lookup(new Uint8Array(4)),
    () => session.ring("ladder_events"),
    () => session.map("ladder_counts"),
    () => session.attachTo("by_raw_tp", { kind: "raw_tp", event: "sys_enter" }),
  ].map((use) => t.throws<SkepError>(use)?.code);
  t.deepEqual(new Set(codes), new Set(["SKEP_ERR_CLOSED"]));
  t.is((await failure(map.scan(() => {}))).code, "SKEP_ERR_CLOSED");
  t.is((await failure(session.attach())).code, "SKEP_ERR_CLOSED");
  ring.cancelWait();
  t.is(kept?.bytes[kept.at], 0, "a cursor kept too long reads zeros and does not crash");
  await backend.close();
  await backend.close();
  t.true(await nothingLeft(TRACES));
});

test.serial("a handler may close the session in the middle of a drain", async (t) => {
  const backend = libbpfBackend();
  const session = await backend.open(ask([raw]));
  await session.attach();
  call(20);
  let handed = 0;
  session.ring("ladder_events").drain(() => {
    handed++;
    void session.close();
  }, Infinity);
  t.true(handed >= 1);
  t.true(await nothingLeft(TRACES));
});

test.serial("probes answer yes, no and cannot tell, on every kernel", async (t) => {
  const backend = libbpfBackend();
  const supported = async (what: Parameters<typeof backend.probe>[0]) => (await backend.probe(what)).supported;
  t.true(await supported("map:ringbuf"));
  t.true(await supported("prog:cgroup_skb"));
  t.true(await supported("helper:cgroup_skb/sk_storage_get"));
  t.true(await supported("ksym:tcp_sendmsg"));
  t.false(await supported("ksym:no_such_function_anywhere"));
  t.true(await supported("btf:tcp_sock"));
  t.false(await supported("btf:no_such_type"));
  t.is(await supported("map:no_such_type"), undefined);
  t.is(await supported("helper:tracing/no_such_helper"), undefined);
  t.true(await supported({ kind: "raw_tp", event: "sched_process_exec" }));
  t.true(await supported({ kind: "tp_btf", event: "sched_process_exec" }));
  t.false(await supported({ kind: "tp_btf", event: "no_such_event" }));
  t.true(await supported({ kind: "iter", target: "task" }));
  t.true(await supported({ kind: "cgroup_skb", direction: "egress" }));
  t.true(await supported({ kind: "cgroup_sock_addr", hook: "connect4" }));
  t.false(await supported({ kind: "cgroup_sock_addr", hook: "no_such_hook" }));
  t.true(await supported({ kind: "sockops" }));
  t.true(await supported({ kind: "uprobe", target: { path: process.execPath }, symbol: "main" }));
  t.deepEqual(inKernel(["skep_probe"]).links, nothing.links);
  t.true(await nothingLeft(["skep_probe"]));
});
