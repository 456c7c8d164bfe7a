// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { Budget } from "@skep/protocols";
import { httpChunk, httpEvent } from "../../http-codec.gen.js";
import { Recent } from "../../recent.js";
import { OrderKind } from "../contract.js";
import type { Told } from "../standing.js";
import { StreamedConnection, type StreamSink } from "./connection.js";
import type { Order, Orders } from "./orders.js";

/** Bytes that all of them together may keep. */
const MOST_KEPT = 64 * 1024 * 1024;
/** Connections of which chunks may still be on their way when nothing more is wanted of them. */
const DISMISSED = 4096;
/** One that has rested so long, and was handed back, is the kernel's again. */
const IDLE_NS = 30e9;

/** What is missing so long, TCP will not bring any more: we have lost it. */
const PATIENCE_NS = 10e9;

/** What became of a record: taken in, or why not. */
export type Taken = "taken" | "http_too_many_streams" | "http_unknown_stream" | "http_undecodable";

/** The connections whose bytes user space gets. */
export class Streams {
  readonly #connections = new Map<number, { connection: StreamedConnection; ordered: Order | undefined }>();
  readonly #dismissed = new Recent<number, true>(DISMISSED);
  readonly #budget = new Budget(MOST_KEPT);

  /** @param mostConnections as many as the kernel follows */
  constructor(
    private readonly sink: StreamSink,
    private readonly orders: Orders,
    private readonly mostConnections: number,
  ) {}

  get size(): number {
    return this.#connections.size;
  }

  /** HTTP_STREAM: the bytes of a connection follow. @param told of the exchange that is pending */
  begin(record: Cursor, told: Told | undefined): Taken {
    const id = httpEvent.conn(record);
    const known = this.#connections.get(id);
    if (known === undefined && this.#connections.size >= this.mostConnections) {
      this.#ignore(id);
      return "http_too_many_streams";
    }
    // The kernel had it back meanwhile, so it was at rest.
    known?.connection.abandon();
    const connection = new StreamedConnection(record, told, this.sink, this.#budget);
    this.#connections.set(id, { connection, ordered: undefined });
    return "taken";
  }

  /** HTTP_CHUNK */
  chunk(record: Cursor): Taken {
    const id = httpChunk.eventConn(record);
    const entry = this.#connections.get(id);
    if (entry === undefined) {
      if (this.#dismissed.get(id)) return "taken";
      this.#ignore(id);
      return "http_unknown_stream";
    }
    const { connection } = entry;
    connection.chunk(record);
    const { order, outcome } = connection;
    if (!isSame(order, entry.ordered)) {
      entry.ordered = order;
      this.orders.give(id, order);
    }
    if (outcome === undefined) return "taken";
    this.#connections.delete(id);
    this.#dismissed.set(id, true);
    return outcome === "ignored" ? "taken" : "http_undecodable";
  }

  /** The connection is closed, or its last record says so. */
  end(id: number): void {
    const entry = this.#connections.get(id);
    this.#connections.delete(id);
    this.#dismissed.set(id, true);
    entry?.connection.close();
    // An order that came too late to be followed must not wait for ever.
    this.orders.give(id, undefined);
  }

  /**
   * Tells the exchanges that go on, and forgets the connections the kernel follows again or no longer knows.
   * @param isOpen whether a connection is there still
   */
  flush(nowNs: number, isOpen: (connection: number) => boolean): void {
    for (const [id, { connection, ordered }] of this.#connections) {
      const restedNs = nowNs - connection.lastNs;
      connection.giveUpHoles(nowNs - PATIENCE_NS);
      connection.tellProgress();
      // The record of its end was lost.
      if (restedNs > PATIENCE_NS && !isOpen(id)) this.end(id);
      else if (restedNs > IDLE_NS && ordered?.kind === OrderKind.RESUME && this.orders.isDone(id)) {
        this.#connections.delete(id);
      }
    }
  }

  #ignore(id: number): void {
    this.#dismissed.set(id, true);
    this.orders.give(id, { kind: OrderKind.IGNORE, readSeq: 0, writtenSeq: 0 });
  }
}

const isSame = (a: Order | undefined, b: Order | undefined): boolean =>
  a?.kind === b?.kind && a?.readSeq === b?.readSeq && a?.writtenSeq === b?.writtenSeq;
