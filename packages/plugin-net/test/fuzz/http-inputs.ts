// SPDX-License-Identifier: MIT

import { EventFlag } from "../../src/httpflow/contract.js";
import { HeaderDecoder } from "@skep/protocols";
import { speakHttp2 } from "../unit/httpflow/support/http2-scene.js";
import { Streamed } from "../unit/httpflow/support/streamed.js";
import type { Random } from "./random.js";

/** What both sides of a connection say. */
interface Talk {
  readonly isHttp2: boolean;
  readonly requests: Buffer;
  readonly responses: Buffer;
}

const http1 = (requests: string, responses: string): Talk => ({
  isHttp2: false,
  requests: Buffer.from(requests, "latin1"),
  responses: Buffer.from(responses, "latin1"),
});

const talks: readonly Talk[] = [
  http1(
    "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nHEAD /h HTTP/1.0\nA: b\n c\n\nPOST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 500 E\r\nContent-Length:0\r\n\r\n",
  ),
  http1(
    "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: t\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nt: u\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  ),
  http1(
    "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
  ),
  http1("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 Established\r\n\r\n\x16\x03\x01"),
  http1("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nServer: s\r\n\r\nuntil the end"),
];

/** Bytes that mean something somewhere in HTTP. */
const telling = Buffer.from(
  " \r\n\t:;,/?0159aAfF\x00\x01\x04\x05\x08\x09\x0c\x24\x25\x3f\x40\x7f\x80\x82\xbf\xc0\xff",
  "latin1",
);
const LARGEST_CHUNK = 4032;
/** Of the connection under attack: little, so that the limit is met. */
const KEPT = 512 * 1024;
/** Inputs a connection lives at most. */
const LIFE = 24;

/** Hostile bytes for the decoders of httpflow: what real peers say, spoilt, one chunk after the other. */
export class HttpInputs {
  told = 0;
  lost = 0;
  connections = 0;
  readonly #talks: readonly Talk[];
  #streamed: Streamed | undefined;
  #talk: Talk = talks[0]!;
  #at = [0, 0];
  #left = 0;
  #headers = new HeaderDecoder();
  readonly #room = Buffer.alloc(2 * LARGEST_CHUNK);

  private constructor(
    private readonly next: Random,
    http2: readonly Talk[],
  ) {
    this.#talks = [...talks, ...http2, ...http2];
  }

  /** @param next decides everything */
  static async create(next: Random): Promise<HttpInputs> {
    const written = await Promise.all(
      [{}, { headerTableSize: 128 }].map((options) =>
        speakHttp2(
          [
            { method: "GET", path: "/a?b", status: 200, responseBody: Buffer.alloc(3000, "a") },
            {
              method: "POST",
              path: "/b",
              status: 404,
              body: Buffer.alloc(2000, "b"),
              trailers: { "grpc-status": "0" },
            },
            { method: "GET", path: "/c", status: 204, headers: { "x-long": "y".repeat(3000) } },
          ],
          options,
        ),
      ),
    );
    const all = (one: (typeof written)[number], side: boolean) =>
      Buffer.concat(one.filter(({ isRequest }) => isRequest === side).map(({ bytes }) => bytes));
    return new HttpInputs(
      next,
      written.map((one) => ({ isHttp2: true, requests: all(one, true), responses: all(one, false) })),
    );
  }

  /** Makes the next input. The result decodes it; doing so again is another attack, and as well. */
  make(): () => void {
    const { next } = this;
    if (next(16) === 0) return this.#headerBlock();
    if (this.#left-- <= 0 || this.#streamed?.connection.outcome !== undefined) this.#connect();
    const streamed = this.#streamed!;
    const side = next(2);
    const source = side === 0 ? this.#talk.requests : this.#talk.responses;
    const from = next(8) === 0 ? next(source.length) : this.#at[side]! % source.length;
    const length = 1 + next(next(3) === 0 ? 40 : 1200);
    const piece = source.subarray(from, from + length);
    const at = next(12) === 0 ? this.#at[side]! + next(3000) - 1500 : this.#at[side]!;
    this.#at[side] = at + piece.length;
    const bytes = next(3) === 0 ? piece : this.#spoilt(piece);
    const unseen = next(10) === 0 ? next(next(2) === 0 ? 50 : 2 ** 31) : 0;
    return () => {
      streamed.pass({ isRequest: side === 0, at, bytes }, unseen);
      if (next(30) === 0) streamed.connection.tellProgress();
      if (next(60) === 0) streamed.connection.giveUpHoles(Infinity);
      if (next(100) === 0) this.#disconnect();
    };
  }

  /** What an attacker could make it keep. */
  get kept(): number {
    return this.#streamed?.budget.used ?? 0;
  }

  #headerBlock(): () => void {
    const { next } = this;
    if (next(50) === 0) this.#headers = new HeaderDecoder();
    const { requests } = this.#talks.at(-1)!;
    const from = next(requests.length);
    const block = this.#spoilt(requests.subarray(from, from + next(400)));
    return () => {
      if (!this.#headers.decode(block, () => {})) this.#headers = new HeaderDecoder();
    };
  }

  #connect(): void {
    const { next } = this;
    this.#disconnect();
    this.#talk = this.#talks[next(this.#talks.length)]!;
    this.#left = 1 + next(LIFE);
    this.#at = [0, 0];
    this.connections++;
    const some = (flag: number, odds: number): number => (next(odds) === 0 ? flag : 0);
    const isPending = next(4) === 0;
    const left = (): number => (next(2) === 0 ? 0 : next(2 ** 20));
    this.#streamed = new Streamed(
      { requests: next(2 ** 31) * 2, responses: next(2 ** 31) * 2 },
      {
        flags:
          EventFlag.INCOMING |
          (this.#talk.isHttp2 ? EventFlag.PREFACE : some(EventFlag.PREFACE, 50)) |
          some(EventFlag.MIDWAY, 8) |
          (isPending ? some(EventFlag.RESPONDED, 2) | some(EventFlag.UNFRAMED, 2) | some(EventFlag.LINE_CUT, 8) : 0),
        ...(isPending && { line: "POST /pending HTTP/1.1", requestLeft: left(), responseLeft: left() }),
      },
      KEPT,
    );
  }

  #disconnect(): void {
    const streamed = this.#streamed;
    this.#streamed = undefined;
    this.#left = 0;
    if (streamed === undefined) return;
    streamed.close();
    this.told += streamed.seen.length;
    this.lost += streamed.lost;
    if (streamed.budget.used !== 0) throw new Error(`${streamed.budget.used} bytes are kept of a closed connection`);
  }

  /** A few bytes changed, cut out or doubled. */
  #spoilt(piece: Buffer): Buffer {
    const { next } = this;
    const room = this.#room;
    let length = piece.copy(room);
    for (let changes = 1 + next(4); changes > 0 && length > 0; changes--) {
      const at = next(length);
      const kind = next(8);
      if (kind < 3) room[at] = telling[next(telling.length)]!;
      else if (kind < 5) room[at] = next(256);
      else if (kind < 6) length = at;
      else if (kind < 7) length = Math.min(LARGEST_CHUNK, length + room.copy(room, at + next(40), at, length));
      else {
        room.copy(room, at, Math.min(length, at + next(20)), length);
        length = Math.max(at, length - 20);
      }
    }
    return Buffer.from(room.subarray(0, Math.min(length, LARGEST_CHUNK)));
  }
}
