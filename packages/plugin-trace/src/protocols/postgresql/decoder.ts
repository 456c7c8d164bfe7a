// SPDX-License-Identifier: MIT

import { type Passage, Side } from "@skep/protocols";
import { type Dialect, obfuscated, POSTGRESQL, POSTGRESQL_ESCAPING, type Statement } from "../sql/obfuscate.js";
import { PreparedStatements } from "../sql/statements.js";
import { type Frame, FrameReader } from "../wire/frame-reader.js";
import { type DecoderStart, PairedDecoder } from "../wire/paired-decoder.js";
import { PostgresCall } from "./call.js";
import { readError } from "./error.js";
import { Backend, backendFormat, cString, Frontend, frontendFormat, Opening, openingFormat } from "./messages.js";

/** What is said where a statement was prepared before we came. */
const UNKNOWN: Statement = { text: "EXECUTE", keyword: "EXECUTE", comment: "" };
/** Of a server before the end of authentication, and whenever it likes. */
const UNASKED: ReadonlySet<number> = new Set([
  Backend.NOTIFICATION,
  Backend.NOTICE,
  Backend.PARAMETER_STATUS,
  Backend.ERROR,
]);
const STATEMENT = "S".charCodeAt(0);
/** Where a server says whether it goes on in TLS. */
const REFUSED: ReadonlySet<number> = new Set(Buffer.from("NE"));
const READY_FOR_QUERY = Buffer.from([Backend.READY, 0, 0, 0, 5]);
/** Of a transaction that goes on, or failed, or none. */
const READY_STATES: ReadonlySet<number> = new Set(Buffer.from("TEI"));

/** Whether these bytes are what a client of PostgreSQL says first. */
export function beginsPostgres(bytes: Uint8Array): boolean {
  if (bytes.length < openingFormat.headBytes) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const payload = openingFormat.payload(view);
  return payload >= 0 && payload === bytes.length - openingFormat.headBytes;
}

/** Whether whole messages of a client, of which the last may be cut, begin here with a statement. */
export function continuesPostgres(bytes: Uint8Array): boolean {
  const [type] = bytes;
  if (type !== Frontend.QUERY && type !== Frontend.PARSE && type !== Frontend.BIND) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + 5 <= bytes.length) {
    const length = frontendFormat.payload(new DataView(bytes.buffer, bytes.byteOffset + at, 5));
    if (length < 0) return false;
    at += 5 + length;
  }
  // Of the protocol itself: a query is text that ends with a zero byte.
  return type !== Frontend.QUERY || at !== bytes.length || view.getUint8(at - 1) === 0;
}

/** PostgreSQL's protocol 3: simple and extended queries, pipelined ones too. */
export class PostgresDecoder extends PairedDecoder<PostgresCall> {
  protected override readonly requests: FrameReader;
  protected override readonly responses: FrameReader;
  readonly #prepared = new PreparedStatements<string>();
  #dialect: Dialect = POSTGRESQL;
  /** Nobody has logged in yet. */
  #isOpening: boolean;
  /** The server's next byte says whether it will speak TLS. */
  #awaitsTls = false;

  constructor(start: DecoderStart) {
    super(start);
    this.#isOpening = !start.isMidway;
    this.requests = new FrameReader(this.#isOpening ? openingFormat : frontendFormat, {
      isDue: () => !this.#awaitsTls,
      frame: (frame) => this.#request(frame),
    });
    this.responses = new FrameReader(backendFormat, {
      isDue: (head) => this.#isOpening || this.pending.length > 0 || UNASKED.has(head.getUint8(0)),
      frame: (frame) => this.#response(frame),
    });
  }

  override take(side: Side, passage: Passage, from: number, to: number): number {
    if (side === Side.REQUESTS || !this.#awaitsTls) return super.take(side, passage, from, to);
    this.#awaitsTls = false;
    if (!REFUSED.has(passage.bytes[from]!)) this.turn = { to: "other" };
    // An old server that does not know the question answers with an error.
    const isAnswer = passage.bytes[from] !== Backend.ERROR;
    return isAnswer ? 1 : super.take(side, passage, from, to);
  }

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return continuesPostgres(bytes);
  }

  protected override endsResponse(bytes: Uint8Array): boolean {
    return READY_STATES.has(bytes.at(-1)!) && READY_FOR_QUERY.equals(bytes.subarray(-6, -1));
  }

  protected override driftingRequest(): PostgresCall | undefined {
    const [call] = this.pending;
    return this.pending.length === 1 && call!.isCopyingIn ? call : undefined;
  }

  protected override get extraSize(): number {
    return this.#prepared.size;
  }

  protected override lostTrack(): void {
    this.#isOpening = this.#awaitsTls = false;
    this.requests.format = frontendFormat;
  }

  #request(frame: Frame): void {
    if (this.requests.format === openingFormat) return this.#opening(frame.head.getUint32(4));
    const type = frame.head.getUint8(0);
    if (type === Frontend.PASSWORD || type === Frontend.TERMINATE) return;
    if (type === Frontend.QUERY || type === Frontend.FUNCTION_CALL) return this.#query(frame, type);
    const last = this.pending.at(-1);
    if (type === Frontend.COPY_DATA || type === Frontend.COPY_DONE || type === Frontend.COPY_FAIL) {
      return last?.asked(frame);
    }
    this.#extended(frame, type);
  }

  #opening(code: number): void {
    if (code === Opening.SSL || code === Opening.GSS) this.#awaitsTls = true;
    else if (code === Opening.CANCEL) this.turn = { to: "other" };
    else this.requests.format = frontendFormat;
  }

  #query(frame: Frame, type: number): void {
    const call = new PostgresCall(frame, String.fromCharCode(type));
    call.isSynced = true;
    if (type === Frontend.QUERY) call.executes(this.#statement(cString(frame.payload, 0).text));
    this.open(call);
  }

  /** A message of an extended query; all up to Sync are one round trip. */
  #extended(frame: Frame, type: number): void {
    let call = this.pending.at(-1);
    if (call === undefined || call.isSynced) {
      call = new PostgresCall(frame, String.fromCharCode(type));
      this.open(call, false);
    } else call.asked(frame);
    const { payload } = frame;
    if (type === Frontend.SYNC) {
      call.isSynced = true;
      this.asked(call);
    } else if (type === Frontend.PARSE) {
      const { text: name, end } = cString(payload, 0);
      const statement = this.#statement(cString(payload, end).text);
      this.#prepared.set(name, statement);
      call.executes(statement);
    } else if (type === Frontend.BIND) {
      const { end } = cString(payload, 0);
      call.executes(this.#prepared.get(cString(payload, end).text) ?? UNKNOWN);
    } else if (type === Frontend.CLOSE && payload[0] === STATEMENT) {
      this.#prepared.delete(cString(payload, 1).text);
    }
  }

  #response(frame: Frame): void {
    const type = frame.head.getUint8(0);
    const [call] = this.pending;
    if (type === Backend.PARAMETER_STATUS) this.#parameter(frame.payload);
    if (call === undefined) {
      if (type === Backend.READY) this.#isOpening = false;
      return;
    }
    if (type === Backend.NOTIFICATION || type === Backend.PARAMETER_STATUS) return;
    call.responds(frame, String.fromCharCode(type));
    if (type === Backend.COMMAND_COMPLETE) call.completes(cString(frame.payload, 0).text);
    else if (type === Backend.ERROR) call.fails(readError(frame.payload));
    else if (type === Backend.COPY_BOTH) this.#replicates();
    else if (type === Backend.READY) this.finish(call);
  }

  /** The server says how strings are to be read. */
  #parameter(payload: Buffer): void {
    const { text: name, end } = cString(payload, 0);
    if (name !== "standard_conforming_strings") return;
    this.#dialect = cString(payload, end).text === "off" ? POSTGRESQL_ESCAPING : POSTGRESQL;
  }

  /** From here on both sides speak when they like. */
  #replicates(): void {
    this.requests.stop();
    this.responses.stop();
    this.turn = { to: "other" };
  }

  #statement(sql: string): Statement {
    return obfuscated(sql, this.#dialect);
  }
}
