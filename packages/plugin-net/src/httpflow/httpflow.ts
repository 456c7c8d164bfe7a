// SPDX-License-Identifier: MIT

import {
  type Cursor,
  DomainNames,
  KubernetesMetadata,
  NatTable,
  type PluginContext,
  type PluginInstance,
  ProcessTable,
} from "@skep/core";
import type { NetConfig } from "../config.js";
import { emitInSlices } from "../emit.js";
import { httpEvent, httpExchange } from "../http-codec.gen.js";
import type { ConnectionOwners } from "../netflow/owners.js";
import { Aggregate, type Folded } from "./aggregate.js";
import { EventFlag, EventKind, LINE_LONG } from "./contract.js";
import { pointOf } from "./points.js";
import { Standing } from "./standing.js";
import { Orders } from "./stream/orders.js";
import { Streams, type Taken } from "./stream/streams.js";

/** What netflow knows of TCP connections. */
export interface Connections {
  readonly owners: ConnectionOwners;
  /** Whether the connection with this id was there at the last reading. */
  isOpen(id: number): boolean;
}

/** httpflow at work: exchanges come by ring, from the kernel or as the bytes of a connection; those that go on are read at each flush. */
export class Httpflow implements PluginInstance {
  readonly #context: PluginContext<NetConfig>;
  readonly #aggregate: Aggregate;
  readonly #orders: Orders;
  readonly #streams: Streams;
  readonly #standing = new Standing();

  /** @param netflow flushed first: it knows the connections that are there, and who owns them */
  constructor(
    context: PluginContext<NetConfig>,
    private readonly netflow: Connections,
  ) {
    const { ephemeral_port, httpflow_max_path, httpflow_max_keys, httpflow_max_connections } = context.config;
    const processes = context.use(ProcessTable);
    this.#context = context;
    this.#aggregate = new Aggregate({
      ephemeralPort: Math.max(0, ephemeral_port),
      maxPath: httpflow_max_path,
      maxKeys: httpflow_max_keys,
      nameOfProcess: (pid) => processes.nameOf(pid),
      owners: netflow.owners,
    });
    this.#orders = new Orders(context.map("http_orders"));
    this.#streams = new Streams(
      {
        told: (ends, exchange) => this.#observed(this.#aggregate.add(ends, exchange)),
        lost: (exchanges) => {
          context.count("observed", exchanges);
          context.drop("http_gap", exchanges);
        },
      },
      this.#orders,
      httpflow_max_connections,
    );
    context.ring("http").on((record) => this.#record(record));
  }

  start(): void {
    this.#aggregate.natTable = this.#context.tryUse(NatTable);
  }

  async flush(time: bigint): Promise<void> {
    this.#aggregate.natTable = this.#context.tryUse(NatTable);
    await this.#harvest("http_harvest");
    await this.#harvest("tls_harvest");
    const isOpen = (id: number): boolean => this.netflow.isOpen(id);
    this.#standing.flush(isOpen);
    this.#streams.flush(Number(time - this.#context.bootTime()), isOpen);
    await this.#emit(time);
  }

  close(): void {
    this.#orders.close();
  }

  // hot
  #record(record: Cursor): void {
    switch (httpEvent.kind(record)) {
      case EventKind.EXCHANGE:
        return this.#exchange(record);
      case EventKind.STREAM:
        return this.#taken(this.#streams.begin(record, this.#standing.take(record)));
      case EventKind.CHUNK:
        return this.#taken(this.#streams.chunk(record));
      case EventKind.END:
        this.#streams.end(httpEvent.conn(record));
        return this.#taken("taken");
      default:
        this.#context.drop("unknown_kind");
    }
  }

  // hot
  #exchange(record: Cursor): void {
    const length = httpExchange.lineLen(record);
    if (length === 0 || length > record.length - httpExchange.layout.size) return this.#context.drop("undecodable");
    this.#fold(this.#aggregate.exchange(record, this.#standing.take(record)));
    const isLast = (httpExchange.eventFlags(record) & EventFlag.LAST) !== 0;
    if (isLast && this.#streams.size > 0) this.#streams.end(httpExchange.eventConn(record));
  }

  /** Something that core does not count by itself. */
  #observed(folded: Folded): void {
    this.#context.count("observed");
    this.#fold(folded);
  }

  #fold(folded: Folded): void {
    if (folded === "joined") this.#context.count("aggregated");
    else if (folded === "refused") this.#context.drop("http_too_many_keys");
  }

  /** What a record brought is part of exchanges, which are counted when they are over. */
  #taken(taken: Taken): void {
    if (taken === "taken") this.#context.count("aggregated");
    else this.#context.drop(taken);
  }

  /** Exchanges that go on, and those that ended and could not be told. */
  async #harvest(program: "http_harvest" | "tls_harvest"): Promise<void> {
    if (!this.#context.hasProgram(program)) return;
    const iterator = this.#context.iterator(program);
    try {
      await iterator.read(httpExchange.layout.size + LINE_LONG, (record) => {
        if (httpExchange.lineLen(record) === 0) return;
        const isLast = (httpExchange.eventFlags(record) & EventFlag.LAST) !== 0;
        const told = isLast ? this.#standing.take(record) : this.#standing.note(record);
        this.#observed(this.#aggregate.exchange(record, told));
      });
    } finally {
      iterator.close();
    }
  }

  async #emit(time: bigint): Promise<void> {
    const { interval, joined, refused } = this.#aggregate.take();
    this.#context.count("aggregated", joined);
    this.#context.drop("http_too_many_keys", refused);
    const enrichment = {
      domains: this.#context.tryUse(DomainNames),
      kubernetes: this.#context.tryUse(KubernetesMetadata),
    };
    await emitInSlices(this.#context, interval.exchanges.size, (index) => pointOf(interval, index, time, enrichment));
  }
}
