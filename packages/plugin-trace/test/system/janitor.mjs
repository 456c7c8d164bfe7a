// SPDX-License-Identifier: MIT
// Tidies up when its standard input ends, which it does however the test ends: `janitor.mjs PREFIX CGROUP-ROOT FOLDER`. Ends what
// runs in cgroups called PREFIX..., and removes those, the network namespaces called PREFIX... and the folder.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [prefix, cgroupRoot, folder] = process.argv.slice(2);
const politelyUntil = 5_000;
const deadline = 30_000;

const named = (parent) => {
  try {
    return readdirSync(parent).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
};

function signalAll(cgroup, signal) {
  const pids = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended.
    }
  }
}

/** What ended a moment ago may still be there. */
function isRemoved(cgroup) {
  try {
    rmdirSync(cgroup);
    return true;
  } catch (error) {
    if (error.code === "EBUSY") return false;
    throw error;
  }
}

async function empty(cgroup) {
  // Postgres leaves shared memory behind when it is killed.
  signalAll(cgroup, "SIGTERM");
  for (const began = performance.now(); !isRemoved(cgroup); await pause(50)) {
    const ms = performance.now() - began;
    if (ms > deadline) throw new Error(`somebody stays in ${cgroup}`);
    if (ms > politelyUntil) signalAll(cgroup, "SIGKILL");
  }
}

/** What is tried for each of several things, so that one that fails keeps none of the others. */
async function each(names, remove) {
  for (const name of names) {
    try {
      await remove(name);
    } catch (error) {
      console.error(`janitor: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

for await (const _ of process.stdin);
await each(named(cgroupRoot), (name) => empty(join(cgroupRoot, name)));
await each(named("/run/netns"), (name) => execFileSync("ip", ["netns", "delete", name]));
rmSync(folder, { recursive: true, force: true });
