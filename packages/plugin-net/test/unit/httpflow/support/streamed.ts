// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { Budget, type Exchange } from "@skep/protocols";
import { EventFlag } from "../../../../src/httpflow/contract.js";
import { StreamedConnection } from "../../../../src/httpflow/stream/connection.js";
import type { Expected, Piece } from "./conversation.js";
import { chunkBytes, type ExchangeRecord, recordOf, streamBytes } from "./http-records.js";

/** An exchange as it was told. */
export interface Seen extends Expected {
  readonly latencyNs: number;
  readonly isTold: boolean;
  readonly grpcStatus: string;
  readonly contentType: string;
}

export const seenOf = (exchange: Exchange): Seen => ({
  method: exchange.request.method,
  target: exchange.request.target,
  version: exchange.request.version,
  status: exchange.status,
  requestBytes: exchange.requestBytes,
  responseBytes: exchange.responseBytes,
  latencyNs: exchange.latencyNs,
  isTold: exchange.isTold,
  grpcStatus: exchange.grpcStatus,
  contentType: exchange.contentType,
});

export const expectedOf = ({ method, target, version, status, requestBytes, responseBytes }: Expected): Expected => ({
  method,
  target,
  version,
  status,
  requestBytes,
  responseBytes,
});

/** A connection that is streamed, fed by hand. We serve: requests are read. */
export class Streamed {
  readonly seen: Seen[] = [];
  lost = 0;
  readonly budget: Budget;
  readonly connection: StreamedConnection;
  #timeNs = 2000;

  /** @param base sequence numbers the directions begin with */
  constructor(
    private readonly base: { readonly requests: number; readonly responses: number } = { requests: 0, responses: 0 },
    record: Partial<ExchangeRecord> = {},
    limit = 1 << 24,
  ) {
    this.budget = new Budget(limit);
    const stream = { readSeq: base.requests >>> 0, writtenSeq: base.responses >>> 0, ...record };
    this.connection = new StreamedConnection(
      recordOf(streamBytes(stream)),
      undefined,
      {
        told: (_ends: Cursor, exchange) => void this.seen.push(seenOf(exchange)),
        lost: (exchanges) => void (this.lost += exchanges),
      },
      this.budget,
    );
  }

  /** What passes next. Every piece passes a nanosecond after the one before. */
  pass({ isRequest, at, bytes }: Piece, unseen = 0): void {
    const flags = EventFlag.INCOMING | (isRequest ? 0 : EventFlag.WRITTEN);
    const seq = (isRequest ? this.base.requests : this.base.responses) + at;
    const length = bytes.length + unseen;
    if (this.connection.outcome !== undefined) return;
    this.connection.chunk(recordOf(chunkBytes(bytes, { flags, seq, length, timeNs: this.#timeNs++ })));
  }

  request(text: string | Buffer, at: number, unseen = 0): void {
    this.pass({ isRequest: true, at, bytes: Buffer.from(text) }, unseen);
  }

  response(text: string | Buffer, at: number, unseen = 0): void {
    this.pass({ isRequest: false, at, bytes: Buffer.from(text) }, unseen);
  }

  close(): void {
    this.connection.close();
  }
}
