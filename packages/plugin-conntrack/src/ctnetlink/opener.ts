// SPDX-License-Identifier: MIT
// A thread that goes from one network namespace to the next, opens a socket in each, and ends where it then is. Descriptors
// belong to the process: the agent's own threads use them and never leave their namespace.

import { parentPort, workerData } from "node:worker_threads";
import { enterNetns } from "./ffi.js";
import { type Opened, openHere, type OpenRequest } from "./open.js";

const { places, groups } = workerData as OpenRequest;
const opened = places.map(({ inode, path }): Opened => {
  const entered = enterNetns(path, inode);
  return entered < 0 ? { inode, step: "enter", errno: -entered } : openHere(inode, groups);
});
parentPort?.postMessage(opened);
