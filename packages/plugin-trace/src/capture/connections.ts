// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { Budget } from "@skep/protocols";
import { traceEvent } from "../codec.gen.js";
import { OrderKind } from "../contract.js";
import { Connection, type Listener, type MakeDetector } from "./connection.js";
import type { Mover } from "./marks.js";
import type { Order, Orders } from "./orders.js";

/** Bytes that all connections together may keep. */
const MOST_KEPT = 64 * 1024 * 1024;
/** What is missing so long, TCP will not bring any more: we have lost it. */
const PATIENCE_NS = 10e9;
/** One of which nothing was heard for so long has probably ended unheard; should it speak again, it is joined anew. */
const IDLE_NS = 3600e9;
/** Of the connections that were opened first, among which the one to give up is sought. */
const LOOKED_AT = 64;
/** Connections that are remembered as dismissed: at least as many, at most twice. */
const MOST_DISMISSED = 65_536;

/** What became of a record: taken in, or why not. */
export type Taken = "taken" | "trace_unknown_connection" | "trace_too_many_connections" | "trace_undecodable";

interface Known {
  readonly connection: Connection;
  ordered: Order | undefined;
}

export interface ConnectionsOptions {
  readonly makeDetector: MakeDetector;
  readonly listener: Listener;
  readonly orders: Orders;
  /** Whether this process's calls are wanted. */
  readonly mayTrace: (mover: Mover) => boolean;
  /** As many as the kernel follows. */
  readonly most: number;
}

/** The connections that are followed, by their ids. */
export class Connections {
  readonly #known = new Map<number, Known>();
  readonly #budget = new Budget(MOST_KEPT);
  /** Of which records may still be on their way, when nothing more is wanted of them. */
  #dismissed = new Set<number>();
  #dismissedEarlier = new Set<number>();

  constructor(private readonly options: ConnectionsOptions) {}

  /** TRACE_OPEN */
  open(record: Cursor): Taken {
    const id = traceEvent.conn(record);
    const isFull = this.#known.size >= this.options.most;
    if (isFull) this.#makeRoom();
    const connection = new Connection(record, this.options.makeDetector, this.#budget, this.options.listener);
    this.#known.set(id, { connection, ordered: undefined });
    return isFull ? "trace_too_many_connections" : "taken";
  }

  // hot
  /** TRACE_CHUNK */
  chunk(record: Cursor): Taken {
    const id = traceEvent.conn(record);
    const known = this.#known.get(id);
    if (known === undefined) return this.#stranger(id);
    const { connection } = known;
    connection.chunk(record);
    const { order, outcome } = connection;
    if (known.ordered?.kind === OrderKind.MARKS) return "taken";
    if (order !== undefined && !isSame(order, known.ordered)) this.options.orders.give(id, (known.ordered = order));
    if (order?.kind === OrderKind.IGNORE) this.#dismiss(id);
    return outcome === "undecodable" ? "trace_undecodable" : "taken";
  }

  /** TRACE_MARK */
  mark(record: Cursor): Taken {
    const id = traceEvent.conn(record);
    const known = this.#known.get(id);
    if (known === undefined) return this.#stranger(id);
    if (!this.options.mayTrace(known.connection.mark(record))) this.#ignore(id);
    return "taken";
  }

  /** TRACE_CLOSE */
  close(record: Cursor): Taken {
    const id = traceEvent.conn(record);
    const known = this.#known.get(id);
    this.#dismiss(id);
    known?.connection.close();
    return "taken";
  }

  /** Waits no longer for what has been lost, and forgets connections whose end has. */
  tidy(nowNs: number): void {
    for (const [id, { connection }] of this.#known) {
      connection.giveUpHoles(nowNs - PATIENCE_NS);
      if (nowNs - connection.lastNs < IDLE_NS) continue;
      connection.close();
      this.#ignore(id);
    }
  }

  /** Gives up one of which nothing was heard for long: its end was not heard of, or it is the least loss. */
  #makeRoom(): void {
    let [longestAgoNs, oldest] = [Infinity, -1];
    let looked = 0;
    for (const [id, { connection }] of this.#known) {
      if (connection.lastNs < longestAgoNs) [longestAgoNs, oldest] = [connection.lastNs, id];
      if (++looked === LOOKED_AT) break;
    }
    this.#known.get(oldest)?.connection.close();
    this.#ignore(oldest);
  }

  #stranger(id: number): Taken {
    if (this.#dismissed.has(id) || this.#dismissedEarlier.has(id)) return "taken";
    this.#ignore(id);
    return "trace_unknown_connection";
  }

  #ignore(id: number): void {
    this.#dismiss(id);
    this.options.orders.give(id, { kind: OrderKind.IGNORE, readSeq: 0, writtenSeq: 0 });
  }

  #dismiss(id: number): void {
    this.#known.delete(id);
    if (this.#dismissed.size >= MOST_DISMISSED) {
      this.#dismissedEarlier = this.#dismissed;
      this.#dismissed = new Set();
    }
    this.#dismissed.add(id);
  }
}

const isSame = (a: Order, b: Order | undefined): boolean =>
  a.kind === b?.kind && a.readSeq === b.readSeq && a.writtenSeq === b.writtenSeq;
