// SPDX-License-Identifier: MIT

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, rig } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import { commandRecord } from "../../src/codec.gen.js";
import { bash } from "../../src/index.js";

const READLINE = 1;
const EXEC = 3;

/** A record as the programs send it, a long one when the text needs it. */
function record(text: string | Buffer, source = READLINE): Uint8Array {
  const bytes = Buffer.from(text);
  const head = encode(commandRecord, { timeNs: 5_000_000_000, tgid: 42, uid: 1000, source, length: bytes.length });
  const room = bytes.length < 232 ? 232 : 4104;
  return Buffer.concat([head.subarray(0, 24), bytes, Buffer.alloc(room - bytes.length)]);
}

async function setUp(t: ExecutionContext, config: object = {}) {
  const procRoot = mkdtempSync(join(tmpdir(), "skep-bash-proc-"));
  const directory = join(procRoot, "42");
  mkdirSync(join(procRoot, "jail/etc"), { recursive: true });
  mkdirSync(join(directory, "fd"), { recursive: true });
  symlinkSync(join(procRoot, "jail"), join(directory, "root"));
  writeFileSync(join(directory, "uid_map"), "0 0 4294967295\n");
  writeFileSync(join(directory, "root/etc/passwd"), "ann:x:1000:1000::/:/bin/bash\n");
  symlinkSync("/home/ann/work", join(directory, "cwd"));
  symlinkSync("/dev/pts/7", join(directory, "fd/0"));
  const running = await rig(bash, { config, procRoot });
  t.teardown(async () => {
    await running.stop();
    rmSync(procRoot, { recursive: true });
  });
  return {
    ...running,
    async told(...records: Uint8Array[]) {
      for (const bytes of records) running.kernel.ring("commands").push(bytes);
      await running.clock.advance(50);
      return running.points;
    },
    status: () => running.status,
  };
}

test("a line becomes a point with its process, user and time", async (t) => {
  const { told, clock } = await setUp(t);
  const [point] = await told(record("ls -l"));
  t.like(point, { measurement: "bash", category: "logging" });
  t.like(point!.fields, { cmd: "ls -l", pid: "42", user: "ann" });
  t.regex(String(point!.fields["message"]), / pid:`42` user:`ann` cmd:`ls -l`$/);
  t.is(point!.time, clock.unixNs() - clock.monotonicNs() + 5_000_000_000n);
  t.deepEqual(Object.keys(point!.fields).sort(), ["cmd", "message", "pid", "user"]);
  t.deepEqual(Object.keys(point!.tags).sort(), ["host", "service"]);
});

test("a line of 4 KiB is whole, a longer one is cut and marked", async (t) => {
  const { told } = await setUp(t);
  const [whole, cut] = await told(record("x".repeat(4096)), record("y".repeat(4103)));
  t.is(whole!.fields["cmd"], "x".repeat(4096));
  t.is(whole!.fields["truncated"], undefined);
  t.is(cut!.fields["cmd"], "y".repeat(4096));
  t.is(cut!.fields["truncated"], true);
  t.true(String(cut!.fields["message"]).endsWith("yyy...`"));
});

test("blanks alone, and a bash that runs nothing of its own, are accounted for and make no point", async (t) => {
  const { told, status, flush } = await setUp(t, { shell_exec: true });
  t.deepEqual(await told(record("   "), record("\t"), record("bash\0-l\0", EXEC)), []);
  await flush();
  t.deepEqual(status().counters.dropped, { no_command: 3 });
});

test("working directory and terminal are tags when they are asked for", async (t) => {
  const { told } = await setUp(t, { shell_cwd: true, shell_tty: true });
  t.like((await told(record("ls")))[0]!.tags, { cwd: "/home/ann/work", tty: "/dev/pts/7" });
});

test("what is not asked for is not loaded", async (t) => {
  t.deepEqual(Object.keys((await setUp(t)).strategies), ["bash"]);
  const { strategies } = await setUp(t, { shell_zsh: true, shell_fish: true, shell_exec: true });
  t.deepEqual(Object.keys(strategies), ["bash", "zsh", "fish", "exec"]);
});
