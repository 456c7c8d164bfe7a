// SPDX-License-Identifier: MIT

import { formatAddress, isLoopback } from "../nat/addresses.js";
import { CtGroup } from "./messages.js";
import { NamespaceOpener, type Opened, type Place } from "./open.js";
import { ConntrackSocket, CtnetlinkError, type EntryListener } from "./socket.js";
import { troubles, troubleWith } from "./troubles.js";

export interface CtnetlinkOptions {
  /** Listen to events: else sockets are opened for a dump and closed again. */
  readonly events: boolean;
  readonly listener: EntryListener;
  /** What the network namespaces are now: inode number -> a file that names it. */
  readonly namespaces: () => Promise<ReadonlyMap<number, string>>;
}

/** What a look at the namespaces came to. */
export interface Look {
  /** Those of which every entry was told: what was not is no more. */
  readonly dumped: Set<number>;
  /** What could not be done, in words. */
  readonly troubles: Set<string>;
}

/** A namespace that was seen. */
interface Known {
  /** Of its interfaces; undefined when it could not be entered. */
  readonly addresses: ReadonlySet<string> | undefined;
  /** Only where events are listened to. */
  readonly socket: ConntrackSocket | undefined;
}

/**
 * The kernel's own account of its entries, without BPF: dumps and events of network namespaces.
 *
 * A socket keeps its namespace alive. So sockets are only kept where events are needed, and those of a namespace that nobody
 * else holds are closed at the next look.
 */
export class Ctnetlink {
  readonly #known = new Map<number, Known>();
  readonly #opener = new NamespaceOpener();
  #closed = false;

  constructor(private readonly options: CtnetlinkOptions) {}

  /** Before the first look. */
  async prepare(): Promise<void> {
    if (this.options.events) await this.#opener.prepare();
  }

  /** Finds the namespaces there are and dumps those that are new, or all of them. One look at a time. */
  async look(which: "new" | "all"): Promise<Look> {
    const look: Look = { dumped: new Set(), troubles: new Set() };
    const present = await this.options.namespaces();
    for (const [inode, { socket }] of this.#known) {
      if (present.has(inode) && socket?.isClosed !== true) continue;
      socket?.close();
      this.#known.delete(inode);
    }
    for (const [inode, { socket }] of which === "all" ? this.#known : []) {
      if (socket !== undefined) await this.#dump(inode, socket, look);
    }
    const places = [...present].map(([inode, path]): Place => ({ inode, path }));
    const wanted = places.filter(({ inode }) => {
      const known = this.#known.get(inode);
      return known === undefined || (which === "all" && known.socket === undefined);
    });
    for (const opened of await this.#open(wanted)) await this.#take(opened, look);
    if (!this.options.events) this.#opener.rest();
    return look;
  }

  has(netns: number): boolean {
    return this.#known.has(netns);
  }

  /** Reads the events of a namespace that have arrived. */
  catchUp(netns: number): void {
    this.#known.get(netns)?.socket?.catchUp();
  }

  /** Whether packets from an address pass through a namespace, as far as is known, rather than start there. */
  forwards(netns: number, words: Uint32Array, at: number): boolean {
    return !isLoopback(words, at) && this.#known.get(netns)?.addresses?.has(formatAddress(words, at)) !== true;
  }

  close(): void {
    this.#closed = true;
    for (const { socket } of this.#known.values()) socket?.close();
    this.#known.clear();
    this.#opener.rest();
  }

  async #open(places: readonly Place[]): Promise<readonly Opened[]> {
    if (places.length === 0 || this.#closed) return [];
    return this.#opener.open({ places, groups: this.options.events ? [CtGroup.NEW, CtGroup.DESTROY] : [] });
  }

  async #take(opened: Opened, look: Look): Promise<void> {
    const { inode } = opened;
    if ("errno" in opened) {
      troubleWith(opened.step, opened.errno, look.troubles);
      // Not tried again at every look, but at every one that wants all.
      this.#known.set(inode, { addresses: undefined, socket: undefined });
      return;
    }
    const { events, listener } = this.options;
    const socket = new ConntrackSocket(opened.fd, inode, listener);
    if (this.#closed) return socket.close();
    this.#known.set(inode, { addresses: new Set(opened.addresses), socket: events ? socket : undefined });
    if (events && opened.eventsOff) look.troubles.add(troubles.eventsOff);
    await this.#dump(inode, socket, look);
    if (!events) socket.close();
  }

  async #dump(inode: number, socket: ConntrackSocket, look: Look): Promise<void> {
    try {
      if (await socket.dump()) look.dumped.add(inode);
    } catch (error) {
      if (!(error instanceof CtnetlinkError)) throw error;
      troubleWith("ask", error.errno, look.troubles);
    }
  }
}
