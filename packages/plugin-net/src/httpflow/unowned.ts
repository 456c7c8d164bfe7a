// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { httpExchange } from "../http-codec.gen.js";
import { MAX_STATUS } from "./contract.js";
import { endsOf } from "./ends.js";

/** What like exchanges of one connection amount to. */
export interface Amounts {
  readonly line: number;
  readonly status: number;
  count: number;
  requestBytes: number;
  responseBytes: number;
  latencySumNs: number;
  responded: number;
}

/** Exchanges of a connection that, as far as is known, nobody has accepted. */
export interface UnownedConnection {
  /** A struct http_exchange that says between whom. */
  readonly ends: Cursor;
  readonly buckets: Map<number, Amounts>;
}

/** Exchanges that wait for netflow to say whose connection they came on. */
export class UnownedConnections {
  #connections = new Map<number, UnownedConnection>();
  /** Buckets of all connections. */
  size = 0;

  /** Adds exchanges to the bucket of their connection, line and status. True when there was none. */
  add(
    ends: Cursor,
    line: number,
    status: number,
    count: number,
    requestBytes: number,
    responseBytes: number,
    latencySumNs: number,
    responded: number,
  ): boolean {
    const id = httpExchange.eventConn(ends);
    let connection = this.#connections.get(id);
    if (connection === undefined) {
      connection = { ends: endsOf(ends), buckets: new Map() };
      this.#connections.set(id, connection);
    }
    const key = line * MAX_STATUS + status;
    const amounts = connection.buckets.get(key);
    if (amounts === undefined) {
      connection.buckets.set(key, { line, status, count, requestBytes, responseBytes, latencySumNs, responded });
      this.size++;
      return true;
    }
    amounts.count += count;
    amounts.requestBytes += requestBytes;
    amounts.responseBytes += responseBytes;
    amounts.latencySumNs += latencySumNs;
    amounts.responded += responded;
    return false;
  }

  /** Takes a connection out. */
  take(id: number): UnownedConnection | undefined {
    const connection = this.#connections.get(id);
    if (connection === undefined) return undefined;
    this.#connections.delete(id);
    this.size -= connection.buckets.size;
    return connection;
  }

  /** Takes all out. */
  takeAll(): Iterable<UnownedConnection> {
    const connections = this.#connections.values();
    this.#connections = new Map();
    this.size = 0;
    return connections;
  }
}
