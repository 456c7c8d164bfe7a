// SPDX-License-Identifier: MIT
// How user probes are let go of. Programs are attached to a copy of a program that nobody else runs.
import { copyFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Link, Session } from "@skep/core";
import { liveTests, type Teardown } from "@skep/testkit";
import test from "ava";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { group, request } from "./support/request.js";

const bytes = await compile("user");
const live = await liveTests(test, ["root", "uprobe"]);

/** A session, and how to attach one more probe to a program that nobody runs. */
async function open(t: Teardown): Promise<{ session: Session; attach(): Link }> {
  const directory = mkdtempSync(join(tmpdir(), "skep-detach-"));
  const path = join(directory, "true");
  copyFileSync("/bin/true", path);
  const backend = libbpfBackend();
  t.teardown(async () => {
    await backend.close();
    rmSync(directory, { recursive: true });
  });
  const probes = { ticks: group({ name: "uprobe", programs: { on_call: { kind: "uprobe" } } }) };
  const session = await backend.open(request({ objects: { user: bytes }, probes }));
  // Not mapped anywhere, so any byte will do.
  return { session, attach: () => session.attachTo("on_call", { kind: "uprobe", target: { path }, offset: 0x2000n }) };
}

/** A user probe is a perf event of its process; only since 5.15 it has a BPF link too. */
const attachedProbes = (): number => readdirSync("/proc/self/fd").filter(isPerfEvent).length;

function isPerfEvent(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[perf_event]";
  } catch {
    return false; // the one that lists them
  }
}

live(["root", "uprobe"], "a probe is let go of in the background while the event loop goes on", async (t) => {
  const { attach } = await open(t);
  const links = [attach(), attach(), attach()];
  t.is(attachedProbes(), 3);
  let turns = 0;
  const interval = setInterval(() => turns++, 1);
  const started = performance.now();
  const closed = Promise.all(links.map((link) => link.closeSoon!()));
  const blockedMs = performance.now() - started;
  await closed;
  clearInterval(interval);
  const tookMs = performance.now() - started;
  t.true(blockedMs < tookMs / 2, `blocked for ${blockedMs} of ${tookMs} ms`);
  t.true(turns > 0);
  for (const link of links) link.close(); // it is closed, so nothing happens
  t.is(attachedProbes(), 0);
});

live(["root", "uprobe"], "closing the session waits for probes that are being let go of", async (t) => {
  const { session, attach } = await open(t);
  const links = [attach(), attach(), attach(), attach()];
  for (const link of links.slice(1)) void link.closeSoon!();
  await Promise.all([session.close(), session.close()]);
  t.is(attachedProbes(), 0);
});
