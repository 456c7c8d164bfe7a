// SPDX-License-Identifier: MIT

import { readFileSync, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { Worker } from "node:worker_threads";
import { openNetfilterSocket } from "./ffi.js";

/** A network namespace and a file that names it, such as /proc/42/ns/net. */
export interface Place {
  readonly inode: number;
  readonly path: string;
}

export interface OpenRequest {
  readonly places: readonly Place[];
  /** Multicast groups to hear. */
  readonly groups: readonly number[];
}

/** A netfilter socket in a namespace, the caller's to close. */
export interface Opening {
  readonly inode: number;
  readonly fd: number;
  /** Of the namespace's interfaces that are up, in text form. */
  readonly addresses: readonly string[];
  /** Its administrator wants no events (`net.netfilter.nf_conntrack_events = 0`). */
  readonly eventsOff: boolean;
}

export interface Refusal {
  readonly inode: number;
  readonly step: "enter" | "open";
  readonly errno: number;
}

/** What became of one place. */
export type Opened = Opening | Refusal;

/** Room for events that nobody has read yet: about 10,000. */
const RECEIVE_BYTES = 16 * 1024 * 1024;

/** Opens a netfilter socket in each namespace; those of other namespaces by a thread of their own, which then ends. */
export async function openIn({ places, groups }: OpenRequest): Promise<readonly Opened[]> {
  const here = ownNetns();
  const own = places.filter(({ inode }) => inode === here).map(({ inode }) => openHere(inode, groups));
  const others = places.filter(({ inode }) => inode !== here);
  return others.length === 0 ? own : [...own, ...(await openElsewhere({ places: others, groups }))];
}

/** In the namespace of the calling thread. */
export function openHere(inode: number, groups: readonly number[]): Opened {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const fd = openNetfilterSocket(groups, RECEIVE_BYTES);
  return fd < 0 ? { inode, step: "open", errno: -fd } : { inode, fd, addresses, eventsOff: areEventsOff() };
}

function openElsewhere(request: OpenRequest): Promise<readonly Opened[]> {
  // Compiled or not, as this file is.
  const opener = new URL(`./opener.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  return new Promise((resolve, reject) => {
    const thread = new Worker(opener, { workerData: request });
    let opened: readonly Opened[] | undefined;
    thread.on("message", (message) => (opened = message as readonly Opened[]));
    thread.on("error", reject);
    thread.on("exit", (code) => {
      if (opened !== undefined) resolve(opened);
      else reject(new Error(`the thread that enters network namespaces ended with code ${code}`));
    });
  });
}

const ownNetns = (): number => statSync("/proc/thread-self/ns/net").ino;

/** /proc/sys/net is that of the calling thread's namespace. */
function areEventsOff(): boolean {
  try {
    return readFileSync("/proc/sys/net/netfilter/nf_conntrack_events", "latin1").trim() === "0";
  } catch {
    return false;
  }
}
