// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { httpExchange } from "../http-codec.gen.js";
import { EventFlag } from "./contract.js";

/** What was told of an exchange before it was over. */
export interface Told {
  readonly requestBytes: number;
  readonly responseBytes: number;
}

interface Entry extends Told {
  readonly number: number;
  readonly conn: number;
  /** Its connection was not there at the last flush: its last record may still be on its way. */
  isGone: boolean;
}

/**
 * Exchanges that were told while they went on. The kernel counts each from its beginning and keeps no note of what it told:
 * so a record that comes twice changes nothing, and one that is lost is made up for by the next.
 */
export class Standing {
  readonly #entries = new Map<number, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** An exchange that goes on, a struct http_exchange. Returns what was told of it before. */
  note(record: Cursor): Told | undefined {
    const key = keyOf(record);
    const known = this.#entries.get(key);
    const number = httpExchange.eventNumber(record);
    this.#entries.set(key, {
      number,
      conn: httpExchange.eventConn(record),
      requestBytes: httpExchange.requestBytes(record),
      responseBytes: httpExchange.responseBytes(record),
      isGone: false,
    });
    return known?.number === number ? known : undefined;
  }

  /** An exchange of which no record follows. Returns what was told of it before. */
  // hot
  take(record: Cursor): Told | undefined {
    if (this.#entries.size === 0) return undefined;
    const key = keyOf(record);
    const known = this.#entries.get(key);
    if (known === undefined) return undefined;
    // Of another number: the record of its end was lost.
    this.#entries.delete(key);
    return known.number === httpExchange.eventNumber(record) ? known : undefined;
  }

  /** Forgets exchanges whose connection is gone and whose last record was lost. @param isOpen whether a connection is there */
  flush(isOpen: (connection: number) => boolean): void {
    for (const [key, entry] of this.#entries) {
      const isGone = !isOpen(entry.conn);
      if (isGone && entry.isGone) this.#entries.delete(key);
      entry.isGone = isGone;
    }
  }
}

/** A connection that carries TLS may have carried HTTP before (CONNECT). */
const keyOf = (record: Cursor): number =>
  2 * httpExchange.eventConn(record) + ((httpExchange.eventFlags(record) & EventFlag.TLS) === 0 ? 0 : 1);
