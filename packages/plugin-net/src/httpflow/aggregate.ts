// SPDX-License-Identifier: MIT

import type { Cursor, NatTable } from "@skep/core";
import type { Exchange } from "@skep/protocols";
import { httpExchange } from "../http-codec.gen.js";
import type { ConnectionOwners, Owner } from "../netflow/owners.js";
import { EventFlag } from "./contract.js";
import { ExchangeKey, ExchangeTable } from "./exchange-table.js";
import { Parties } from "./parties.js";
import { LineCache } from "./line-cache.js";
import { RequestLines } from "./request-lines.js";
import type { Told } from "./standing.js";
import { type UnownedConnection, UnownedConnections } from "./unowned.js";

/** What became of an exchange: first of a bucket, one more in a bucket, or one for which there was no room. */
export type Folded = "opened" | "joined" | "refused";

/** The exchanges of one interval, and what their keys number. */
export interface Interval {
  readonly exchanges: ExchangeTable;
  readonly parties: Parties;
  readonly lines: RequestLines;
}

export interface AggregateOptions {
  readonly ephemeralPort: number;
  /** Bytes of a path. */
  readonly maxPath: number;
  /** Buckets before paths are folded; as many more before exchanges are refused. */
  readonly maxKeys: number;
  readonly nameOfProcess: (pid: number) => string;
  readonly owners: ConnectionOwners;
}

/** Folds exchanges into the buckets of the interval. */
export class Aggregate {
  /** Asked where outgoing connections really go. */
  natTable: NatTable | undefined;
  readonly #options: AggregateOptions;
  readonly #unowned = new UnownedConnections();
  readonly #cache = new LineCache();
  #lines: RequestLines;
  #parties: Parties;
  #exchanges = new ExchangeTable();
  /** Buckets of connections that found their owner joined others. */
  #joinedLater = 0;
  #refusedLater = 0;

  constructor(options: AggregateOptions) {
    this.#options = options;
    this.#lines = this.#newLines();
    this.#parties = this.#newParties();
    options.owners.onKnown = (id, owner) => this.#owned(id, owner);
  }

  /** A struct http_exchange with its line, in kernel memory. Its line is not empty. @param told of it before */
  // hot
  exchange(record: Cursor, told: Told | undefined): Folded {
    const flags = httpExchange.eventFlags(record);
    const lineAt = record.at + httpExchange.layout.size;
    const length = httpExchange.lineLen(record);
    const line = this.#lines.numberOf(record, lineAt, length, (flags & EventFlag.LINE_CUT) !== 0);
    const responded = (flags & EventFlag.RESPONDED) !== 0;
    const count = told !== undefined || (flags & EventFlag.CONTINUED) !== 0 ? 0 : 1;
    const timed = responded ? count : 0;
    return this.#fold(
      record,
      line,
      responded ? httpExchange.status(record) : 0,
      count,
      httpExchange.requestBytes(record) - (told?.requestBytes ?? 0),
      httpExchange.responseBytes(record) - (told?.responseBytes ?? 0),
      timed === 0 ? 0 : httpExchange.latencyNs(record),
      timed,
    );
  }

  /** An exchange that user space has read. @param ends a struct http_exchange that says between whom */
  add(ends: Cursor, exchange: Exchange): Folded {
    const count = exchange.isTold ? 0 : 1;
    const timed = exchange.hasResponse ? count : 0;
    return this.#fold(
      ends,
      this.#lines.numberOfParts(exchange.request),
      exchange.status,
      count,
      exchange.requestBytes,
      exchange.responseBytes,
      timed * exchange.latencyNs,
      timed,
    );
  }

  /** Ends the interval and begins the next one. `joined` and `refused` are of buckets that waited for their owner. */
  take(): { interval: Interval; joined: number; refused: number } {
    for (const connection of this.#unowned.takeAll()) this.#settle(connection, undefined);
    const interval = { exchanges: this.#exchanges, parties: this.#parties, lines: this.#lines };
    const taken = { interval, joined: this.#joinedLater, refused: this.#refusedLater };
    this.#joinedLater = this.#refusedLater = 0;
    this.#exchanges = new ExchangeTable(interval.exchanges.size);
    this.#parties = this.#newParties();
    this.#lines = this.#newLines();
    return taken;
  }

  // hot
  #fold(
    ends: Cursor,
    line: number,
    status: number,
    count: number,
    requestBytes: number,
    responseBytes: number,
    latencyNs: number,
    responded: number,
  ): Folded {
    let party: number;
    if ((httpExchange.eventFlags(ends) & EventFlag.OWNER_ASSUMED) === 0) {
      party = this.#parties.partyOf(ends);
    } else {
      const owner = this.#options.owners.ofClosed(httpExchange.eventConn(ends));
      if (owner === undefined && this.#unowned.size < this.#options.maxKeys) {
        return this.#unowned.add(ends, line, status, count, requestBytes, responseBytes, latencyNs, responded)
          ? "opened"
          : "joined";
      }
      party = owner ? this.#parties.partyOwnedBy(ends, owner.pid, owner.name) : this.#parties.partyOf(ends);
    }
    const { size } = this.#exchanges;
    const bucket = this.#bucketOf(party, line, status);
    if (bucket === 0) return "refused";
    this.#exchanges.add(bucket, count, requestBytes, responseBytes, latencyNs, responded);
    return this.#exchanges.size === size ? "joined" : "opened";
  }

  /** The bucket of these exchanges, or of their like with any path; 0 when there is room for neither. */
  // hot
  #bucketOf(party: number, line: number, status: number): number {
    const exchanges = this.#exchanges;
    const { maxKeys } = this.#options;
    const { key } = exchanges;
    key[ExchangeKey.party] = party;
    key[ExchangeKey.line] = line;
    key[ExchangeKey.status] = status;
    if (exchanges.size < maxKeys) return exchanges.upsert();
    const known = exchanges.find();
    if (known !== 0) return known;
    key[ExchangeKey.line] = this.#lines.anyPath(line);
    return exchanges.size < 2 * maxKeys ? exchanges.upsert() : exchanges.find();
  }

  #owned(id: number, owner: Owner): void {
    const connection = this.#unowned.take(id);
    if (connection !== undefined) this.#settle(connection, owner);
  }

  /** Moves what waited for its owner to where it belongs; without one, to whom the kernel assumed. */
  #settle({ ends, buckets }: UnownedConnection, owner: Owner | undefined): void {
    const party = owner ? this.#parties.partyOwnedBy(ends, owner.pid, owner.name) : this.#parties.partyOf(ends);
    for (const { line, status, count, requestBytes, responseBytes, latencySumNs, responded } of buckets.values()) {
      const { size } = this.#exchanges;
      const bucket = this.#bucketOf(party, line, status);
      if (bucket === 0) this.#refusedLater++;
      else {
        this.#exchanges.add(bucket, count, requestBytes, responseBytes, latencySumNs, responded);
        if (this.#exchanges.size === size) this.#joinedLater++;
      }
    }
  }

  #newLines(): RequestLines {
    this.#cache.clear();
    return new RequestLines(this.#options.maxPath, this.#options.maxKeys, this.#cache);
  }

  #newParties(): Parties {
    return new Parties(this.#options.ephemeralPort, this.#options.nameOfProcess, () => this.natTable);
  }
}
