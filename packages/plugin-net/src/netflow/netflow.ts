// SPDX-License-Identifier: MIT

import {
  type BpfIterator,
  type BpfMap,
  DomainNames,
  KubernetesMetadata,
  NatTable,
  type PluginContext,
  type PluginInstance,
  ProcessTable,
} from "@skep/core";
import { connRecord, listenerRecord } from "../codec.gen.js";
import type { NetConfig } from "../config.js";
import { emitInSlices } from "../emit.js";
import { Aggregate, type Folded } from "./aggregate.js";
import type { ConnectionOwners } from "./owners.js";
import { pointOf } from "./points.js";

/** UDP flows are taken out of the kernel this often, so that its map need not hold a whole interval's. */
const UDP_DRAIN_MS = 1000;
/** A program that began to count before the maps changed turns has long ended after this. */
const GRACE_MS = 20;
/** A walk over files that has nothing to tell says this much for each. */
const PROGRESS_BYTES = 8;

/** netflow at work: closed connections come by ring, live ones are read at each flush, UDP flows each second. */
export class Netflow implements PluginInstance {
  readonly #context: PluginContext<NetConfig>;
  readonly #aggregate: Aggregate;
  readonly #udp: TakingTurns | undefined;
  #assumedOwners = 0;

  constructor(context: PluginContext<NetConfig>) {
    const processes = context.use(ProcessTable);
    this.#context = context;
    this.#aggregate = new Aggregate(Math.max(0, context.config.ephemeral_port), (pid) => processes.nameOf(pid));
    context.ring("closed").on((record) => {
      const folded = this.#aggregate.connection(record);
      if (folded === "joined") context.count("aggregated");
      else if (folded === "nothing") context.drop("nothing_new");
    });
    if (context.strategy("udp")) {
      this.#udp = new TakingTurns(context.map("udp_flows_0"), context.map("udp_flows_1"), context.map("udp_turn"));
      context.every(UDP_DRAIN_MS, async () => {
        await this.#drainUdp();
        this.#udp!.turn();
      });
    }
  }

  /** Who owns the connections that netflow reads. */
  get owners(): ConnectionOwners {
    return this.#aggregate.owners;
  }

  /** Whether a TCP connection was there when all were read last. */
  isOpen(id: number): boolean {
    return this.#aggregate.connections.find(id) >= 0;
  }

  /** Programs are attached: what opens from here on is seen, so older sockets can be looked up without a gap. */
  async start(): Promise<void> {
    this.#aggregate.natTable = this.#context.tryUse(NatTable);
    const seeds = { sock_from_file: "seed_tcp", private_data: "seed_tcp_file" } as const;
    const strategy = this.#context.strategy("tcp_seed") as keyof typeof seeds | undefined;
    if (strategy) {
      await this.#walk(seeds[strategy], listenerRecord.layout.size, (listener) => {
        const port = listenerRecord.port(listener);
        if (port !== 0) this.#aggregate.listening.add(listenerRecord.netns(listener), port);
      });
    }
    if (this.#context.hasProgram("seed_udp")) await this.#walk("seed_udp", PROGRESS_BYTES, () => {});
  }

  async flush(time: bigint): Promise<void> {
    this.#aggregate.natTable = this.#context.tryUse(NatTable);
    if (this.#udp) {
      // The last turn may be a moment ago.
      await this.#context.sleep(GRACE_MS);
      await this.#drainUdp();
      this.#udp.turn();
      await this.#context.sleep(GRACE_MS);
      await this.#drainUdp();
    }
    await this.#nameHolders();
    await this.#harvest();
    await this.#emit(time);
  }

  async #harvest(): Promise<void> {
    const { connections } = this.#aggregate;
    connections.beginPass();
    const program = this.#context.strategy("tcp_harvest") === "cast" ? "harvest_cast" : "harvest_probe";
    await this.#walk(program, connRecord.layout.size, (record) => this.#account(this.#aggregate.connection(record)));
    connections.forgetUnseen();
  }

  async #drainUdp(): Promise<void> {
    await this.#udp!.drain((key, value) => this.#account(this.#aggregate.datagrams(key, value)));
  }

  /** Where accept cannot be hooked: asks who holds the connections that came since the last time. */
  async #nameHolders(): Promise<void> {
    if (!this.#context.hasProgram("name_holders")) return;
    const assumed = sumOfCpus(this.#context.map("assumed").lookup(new Uint8Array(4)));
    if (assumed === this.#assumedOwners) return;
    await this.#walk("name_holders", PROGRESS_BYTES, () => {});
    this.#assumedOwners = assumed;
  }

  async #emit(time: bigint): Promise<void> {
    const interval = this.#aggregate.take();
    const enrichment = {
      domains: this.#context.tryUse(DomainNames),
      kubernetes: this.#context.tryUse(KubernetesMetadata),
    };
    await emitInSlices(this.#context, interval.flows.size, (index) => pointOf(interval, index, time, enrichment));
  }

  #account(folded: Folded): void {
    if (folded === "nothing") return;
    this.#context.count("observed");
    if (folded === "joined") this.#context.count("aggregated");
  }

  async #walk(program: string, recordSize: number, visit: Parameters<BpfIterator["read"]>[1]): Promise<void> {
    const iterator = this.#context.iterator(program);
    try {
      await iterator.read(recordSize, visit);
    } finally {
      iterator.close();
    }
  }
}

/** Two maps of which the kernel counts in one while the other is emptied (bpf/udp.bpf.h). */
class TakingTurns {
  #current = 0;
  readonly #maps: readonly [BpfMap, BpfMap];

  constructor(
    first: BpfMap,
    second: BpfMap,
    private readonly whoseTurn: BpfMap,
  ) {
    this.#maps = [first, second];
  }

  /** The kernel counts in the other map from now on. */
  turn(): void {
    this.#current ^= 1;
    this.whoseTurn.update(new Uint8Array(4), new Uint8Array(Uint32Array.of(this.#current).buffer));
  }

  /** Empties the map that was current until the last turn. */
  async drain(visit: Parameters<BpfMap["scan"]>[0]): Promise<void> {
    await this.#maps[this.#current === 0 ? 1 : 0].scan(visit, { remove: true });
  }
}

function sumOfCpus(values: Uint8Array | undefined): number {
  if (!values) return 0;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0;
  for (let at = 0; at < values.byteLength; at += 8) sum += Number(view.getBigUint64(at, true));
  return sum;
}
