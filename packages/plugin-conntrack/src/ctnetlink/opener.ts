// SPDX-License-Identifier: MIT
// A thread that goes into network namespaces, opens a socket in each, and comes back. Descriptors belong to the process: the
// agent's own threads use them and never leave their namespace.

import { statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { enterNetns } from "./ffi.js";
import { type Opened, openHere, type OpenRequest } from "./open.js";

/** The agent's, which outlives this thread. */
const home = `/proc/${process.pid}/ns/net`;

parentPort?.on("message", ({ places, groups }: OpenRequest) => {
  const opened = places.map(({ inode, path }): Opened => {
    const entered = enterNetns(path, inode);
    return entered < 0 ? { inode, step: "enter", errno: -entered } : openHere(inode, groups);
  });
  parentPort?.postMessage(opened);
  // Staying would keep a namespace alive; a thread that cannot come back must end.
  if (enterNetns(home, statSync(home).ino) < 0) process.exit(1);
});
