// SPDX-License-Identifier: MIT

import { join } from "node:path";
import {
  type Cursor,
  messageOf,
  type NatQuery,
  NatTable,
  type NatTarget,
  type PluginContext,
  type PluginInstance,
  SkepError,
} from "@skep/core";
import type { ConntrackConfig } from "./config.js";
import { Ctnetlink, type Look } from "./ctnetlink/ctnetlink.js";
import { watchMounts } from "./ctnetlink/ffi.js";
import { formatAddress, parseAddress } from "./nat/addresses.js";
import { Entry, ENTRY_WORDS, Kind, kindOf, Transport } from "./nat/entry.js";
import { Translations } from "./nat/translations.js";
import { networkNamespaces } from "./namespaces.js";
import { notTracking, tracksConnections } from "./preflight.js";
import { CTNETLINK, ENTRIES } from "./probes.js";

/** Between two looks for network namespaces that no mount tells of, where events are listened to in each. */
const LOOK_MS = 5_000;
const SHORTEST_GENERATION_NS = 20_000_000_000n;

/**
 * Keeps the table of translations: told by the ring of the BPF programs or by ctnetlink's events, seeded by a dump at the start
 * and put right by one now and then. Whoever asks is told what the kernel has said up to that moment.
 */
export class Conntrack implements PluginInstance, NatTable {
  readonly #context: PluginContext<ConntrackConfig>;
  readonly #byEvents: boolean;
  readonly #translations: Translations;
  readonly #ctnetlink: Ctnetlink;
  readonly #catchUp: (netns: number) => void;
  readonly #entry = new Uint32Array(ENTRY_WORDS);
  readonly #flow = new Uint32Array(ENTRY_WORDS);
  /** What is the matter with ctnetlink, and how to take it back. */
  readonly #troubles = new Map<string, () => void>();
  /** Looks come one after another; settled when none is under way. */
  #looking: Promise<unknown> = Promise.resolve();
  #isLookAsked = false;
  #areEventsLost = false;
  #agedAt = 0n;
  #mounts: { close(): void } | undefined;

  /** @throws SkepError `SKEP_ERR_UNSUPPORTED` when the kernel does not track connections. */
  static async create(context: PluginContext<ConntrackConfig>): Promise<Conntrack> {
    // Where functions of connection tracking could be hooked it is there.
    if (context.strategy(ENTRIES) === CTNETLINK) {
      const { supported, reason = "" } = await tracksConnections(context.host.procRoot);
      if (supported === false) throw notTracking(reason);
    }
    return new Conntrack(context);
  }

  private constructor(context: PluginContext<ConntrackConfig>) {
    this.#context = context;
    this.#byEvents = context.strategy(ENTRIES) === CTNETLINK;
    this.#translations = new Translations(context.config.max_nat_entries);
    this.#ctnetlink = new Ctnetlink({
      events: this.#byEvents,
      namespaces: () => networkNamespaces(context.scope, context.host),
      listener: {
        entry: (kind, entry) => this.#told(kind, entry),
        malformed: () => this.#lost("undecodable"),
        overrun: () => {
          this.#lost("netlink_overrun");
          this.#areEventsLost = true;
        },
      },
    });
    if (this.#byEvents) {
      this.#catchUp = (netns) => this.#ctnetlink.catchUp(netns);
    } else {
      const entries = context.ring("entries");
      entries.on((record) => this.#record(record));
      this.#catchUp = () => entries.catchUp();
    }
    // Ends a look that is under way, for which the closing waits.
    context.signal.addEventListener("abort", () => this.#ctnetlink.close(), { once: true });
    context.provide(NatTable, this);
    context.every(context.config.nat_dump_seconds * 1000, async () => void (await this.#look("all")));
    if (!this.#byEvents) return;
    // Namespaces of containers, and of `ip netns add`, are mounted.
    this.#mounts = watchMounts(join(context.host.procRoot, "1/mountinfo"), () => this.#lookSoon());
    context.every(LOOK_MS, async () => void (await this.#look(this.#areEventsLost ? "all" : "new")));
  }

  /** Events are heard from here on, so that nothing falls between them and the dump. */
  async start(): Promise<void> {
    await this.#ctnetlink.prepare();
    const look = await this.#look("all");
    const [trouble] = look.troubles;
    if (!this.#byEvents || trouble === undefined || look.dumped.size > 0) return;
    throw new SkepError("SKEP_ERR_UNSUPPORTED", `neither BPF nor ctnetlink tells of connections: ${trouble}`, {
      phase: "start",
    });
  }

  translate(flow: NatQuery): NatTarget | undefined {
    this.#catchUp(flow.netns);
    if (this.#byEvents && !this.#ctnetlink.has(flow.netns)) this.#lookSoon();
    const words = this.#flow;
    if (this.#translations.size === 0) return undefined;
    if (!parseAddress(flow.localIp, words, Entry.src) || !parseAddress(flow.remoteIp, words, Entry.dst))
      return undefined;
    words[Entry.ports] = flow.localPort | (flow.remotePort << 16);
    words[Entry.netns] = flow.netns;
    words[Entry.kind] = (flow.transport === "tcp" ? Transport.TCP : Transport.UDP) << 16;
    if (!this.#translations.translate(words, this.#forwards)) return undefined;
    return { ip: formatAddress(words, Entry.nat), port: words[Entry.natPort]! & 0xffff };
  }

  /** Generations of the table are flush intervals, unless somebody flushes all the time. */
  flush(time: bigint): void {
    if (time - this.#agedAt < SHORTEST_GENERATION_NS) return;
    this.#agedAt = time;
    this.#translations.age();
  }

  async close(): Promise<void> {
    this.#mounts?.close();
    this.#ctnetlink.close();
    await this.#looking;
  }

  readonly #forwards = (netns: number, words: Uint32Array, at: number): boolean =>
    this.#ctnetlink.forwards(netns, words, at);

  /** A record of the ring is observed by core, and ends one way or the other. */
  // hot
  #record(record: Cursor): void {
    const entry = this.#entry;
    for (let word = 0; word < ENTRY_WORDS; word++) entry[word] = record.u32[(record.at >> 2) + word]!;
    const outcome = this.#apply(kindOf(entry), entry);
    if (outcome === "kept") this.#context.count("aggregated");
    else this.#context.drop(outcome);
  }

  /** What ctnetlink tells is an observation when it is news. */
  // hot
  #told(kind: Kind, entry: Uint32Array): void {
    const outcome = this.#apply(kind, entry);
    if (outcome === "nothing_new") return;
    this.#context.count("observed");
    if (outcome === "kept") this.#context.count("aggregated");
    else this.#context.drop(outcome);
  }

  #apply(kind: number, entry: Uint32Array): "kept" | "nothing_new" | "table_full" | "undecodable" {
    const table = this.#translations;
    switch (kind) {
      case Kind.TRANSLATED: {
        const put = table.put(entry);
        if (put === "full") return "table_full";
        return put === "known" ? "nothing_new" : "kept";
      }
      case Kind.ENDED:
        return table.end(entry) ? "kept" : "nothing_new";
      case Kind.PLAIN:
        return table.remove(entry) ? "kept" : "nothing_new";
      default:
        return "undecodable";
    }
  }

  #lost(reason: string): void {
    this.#context.count("observed");
    this.#context.drop(reason);
  }

  /** There may be a new namespace. Asked while a look is under way, there is another one after it. */
  #lookSoon(): void {
    if (this.#isLookAsked || this.#context.signal.aborted) return;
    this.#isLookAsked = true;
    this.#look("new").catch((error: unknown) =>
      this.#context.log.warn({ event: "nat-look-failed", reason: messageOf(error) }),
    );
  }

  #look(which: "new" | "all"): Promise<Look> {
    const look = this.#looking.then(() => this.#lookNow(which));
    this.#looking = look.catch(() => {});
    return look;
  }

  async #lookNow(which: "new" | "all"): Promise<Look> {
    this.#isLookAsked = false;
    if (which === "all") {
      this.#areEventsLost = false;
      this.#translations.beginRound();
    }
    const look = await this.#ctnetlink.look(which);
    if (this.#context.signal.aborted) return look;
    if (which === "all") this.#translations.endUnseen(look.dumped);
    this.#tell(look.troubles, which === "all");
    return look;
  }

  /** Only a look at everything can say that a trouble is over. */
  #tell(troubles: ReadonlySet<string>, isWhole: boolean): void {
    for (const trouble of troubles) {
      if (!this.#troubles.has(trouble)) this.#troubles.set(trouble, this.#context.degrade(trouble));
    }
    for (const [trouble, takeBack] of isWhole ? this.#troubles : []) {
      if (troubles.has(trouble)) continue;
      takeBack();
      this.#troubles.delete(trouble);
    }
  }
}
