// SPDX-License-Identifier: MIT

import { patience } from "@skep/testkit";
import test from "ava";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { inKernel, nothingLeft, openDescriptors, residentBytes, ringMappings } from "./support/kernel.js";
import { group, request } from "./support/request.js";

const RING = 1 << 20;
const TRACES = ["by_raw_tp", "ladder_counts"];

const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** Arguments of Node that run a script of `support/`: its source, or in a guest of the kernel runner what became of it. */
function script(name: string): string[] {
  const file = (extension: string) => fileURLToPath(new URL(`support/${name}${extension}`, import.meta.url));
  if (process.env["SKEP_KERNEL"]) return [file(".js")];
  return ["--import=./scripts/ts-node.mjs", "--conditions=skep-source", "--no-warnings", file(".ts")];
}

test.serial("a process without privileges is told which it lacks and how to give them", (t) => {
  const nobody = { uid: 65534, gid: 65534 };
  const output = execFileSync(process.execPath, script("unprivileged"), { cwd: root, encoding: "utf8", ...nobody });
  const error = JSON.parse(output) as { code: string; message: string; hint: string };
  t.is(error.code, "SKEP_ERR_PERMISSION");
  t.regex(error.message, /live-test: this process may not load BPF programs: it lacks .*CAP_BPF/);
  t.regex(error.hint, /run as root, or give CAP_BPF/);
});

test.serial("what libbpf prints goes into the reason and never to stderr", (t) => {
  const { stdout, stderr } = spawnSync(process.execPath, script("refused"), { cwd: root, encoding: "utf8" });
  t.regex(stdout, /invalid mem access/);
  t.is(stderr, "");
});

test.serial("a process killed by SIGKILL leaves nothing attached or loaded", async (t) => {
  const child = spawn(process.execPath, script("hold"), { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  t.is(inKernel(TRACES).links, 1);
  child.kill("SIGKILL");
  await once(child, "exit");
  t.true(await nothingLeft(TRACES));
});

/** Fewer under emulation, where each takes its time; a leaked ring is a mebibyte each. */
const ROUNDS = patience > 1 ? 60 : 200;

test.serial("opening and closing many times leaks no descriptor, no mapping and no memory", async (t) => {
  const bytes = await compile("ladder");
  const backend = libbpfBackend();
  const round = async () => {
    const session = await backend.open(
      request({
        objects: { ladder: bytes },
        probes: { calls: group({ name: "raw", programs: { by_raw_tp: { kind: "raw_tp", event: "sys_enter" } } }) },
        rodata: { target_tgid: process.pid, enabled: true },
        mapEntries: { ladder_events: RING },
      }),
    );
    await session.attach();
    void process.ppid;
    const ring = session.ring("ladder_events");
    ring.wait(() => {});
    if (ring.drain(() => {}, Infinity) === 0) throw new Error("nothing was observed");
    await session.map("ladder_counts").scan(() => {});
    await session.close();
  };
  for (let count = 0; count < ROUNDS / 5; count++) await round();
  const before = { descriptors: openDescriptors(), resident: residentBytes() };
  for (let count = 0; count < ROUNDS; count++) await round();
  t.is(openDescriptors(), before.descriptors);
  // All rings shared one range of addresses: two pages and the ring twice.
  t.deepEqual(ringMappings(2 * 4096 + 2 * RING), { rings: 0, ranges: 1 });
  // Leaked rings alone would be twice as much in the fewest rounds.
  const grown = (residentBytes() - before.resident) / 2 ** 20;
  t.true(grown < 30, `${grown.toFixed(1)} MiB more resident memory`);
  t.log(`resident memory grew by ${grown.toFixed(1)} MiB`);
  t.true(await nothingLeft(TRACES));
});
