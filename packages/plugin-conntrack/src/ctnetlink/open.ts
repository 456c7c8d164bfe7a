// SPDX-License-Identifier: MIT

import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { Worker } from "node:worker_threads";
import { messageOf } from "@skep/core";
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

/**
 * Opens netfilter sockets in network namespaces: in those of others by a thread of its own, which is kept for the next time
 * until {@link rest}. One request at a time.
 */
export class NamespaceOpener {
  #thread: Worker | undefined;

  async open({ places, groups }: OpenRequest): Promise<readonly Opened[]> {
    const here = ownNetns();
    const own = places.filter(({ inode }) => inode === here).map(({ inode }) => openHere(inode, groups));
    const others = places.filter(({ inode }) => inode !== here);
    return others.length === 0 ? own : [...own, ...(await this.#openElsewhere({ places: others, groups }))];
  }

  /** Starts the thread now: a namespace that comes later is entered within a millisecond rather than fifty. */
  async prepare(): Promise<void> {
    await this.#openElsewhere({ places: [], groups: [] });
  }

  /** Ends the thread; the next request starts another. */
  rest(): void {
    void this.#thread?.terminate();
    this.#thread = undefined;
  }

  async #openElsewhere(request: OpenRequest): Promise<readonly Opened[]> {
    const thread = (this.#thread ??= this.#start());
    const answered = new AbortController();
    const { signal } = answered;
    thread.ref();
    thread.postMessage(request);
    try {
      // Rejects when the thread fails.
      const answer = once(thread, "message", { signal }) as Promise<[readonly Opened[]]>;
      const ended = once(thread, "exit", { signal }).then(([code]) => {
        throw new Error(`it ended with code ${code}`);
      });
      const [opened] = await Promise.race([answer, ended]);
      return opened;
    } catch (error) {
      this.rest();
      throw new Error(`the thread that enters network namespaces failed: ${messageOf(error)}`, { cause: error });
    } finally {
      answered.abort();
      thread.unref();
    }
  }

  #start(): Worker {
    // Compiled or not, as this file is.
    const opener = new URL(`./opener.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
    const thread = new Worker(opener);
    // What goes wrong between two requests the next one finds out; unheard it would end the process.
    thread.on("error", () => {});
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    return thread;
  }
}

/** In the namespace of the calling thread. */
export function openHere(inode: number, groups: readonly number[]): Opened {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const fd = openNetfilterSocket(groups, RECEIVE_BYTES);
  return fd < 0 ? { inode, step: "open", errno: -fd } : { inode, fd, addresses, eventsOff: areEventsOff() };
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
