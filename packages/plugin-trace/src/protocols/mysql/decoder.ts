// SPDX-License-Identifier: MIT

import { type Dialect, MYSQL, MYSQL_PLAIN, obfuscated, type Statement } from "../sql/obfuscate.js";
import { PreparedStatements } from "../sql/statements.js";
import { type Frame, FrameReader } from "../wire/frame-reader.js";
import { type DecoderStart, PairedDecoder } from "../wire/paired-decoder.js";
import { MysqlCall } from "./call.js";
import {
  BULK_EXECUTE,
  Capability,
  Command,
  GREETING,
  isCommand,
  LARGEST,
  lengthOf,
  Reply,
  requestFormat,
  responseFormat,
  sequenceOf,
  Status,
  statusFlags,
} from "./packets.js";
import type { EofHabit } from "./response-shape.js";

/** What is said where a statement was prepared before we came. */
const UNKNOWN: Statement = { text: "EXECUTE", keyword: "EXECUTE", comment: "" };
/** The statement that was prepared last, as MariaDB's clients call it. */
const LAST_PREPARED = 0xff_ff_ff_ff;
const UNANSWERED: ReadonlySet<number> = new Set([Command.QUIT, Command.STMT_SEND_LONG_DATA, Command.STMT_CLOSE]);
const REPLICATION: ReadonlySet<number> = new Set([
  Command.BINLOG_DUMP,
  Command.BINLOG_DUMP_GTID,
  Command.REGISTER_SLAVE,
]);
/** A request for TLS is a login that ends before the name of the user. */
const TLS_REQUEST_BYTES = 32;
/** Bytes of what ends a result, and where the status is in it: of an EOF, and of an OK that changed nothing. */
const EOF_END = { length: 5, statusAt: 3 };
const OK_END = { length: 7, statusAt: 3 };
const LONGEST_END_BYTES = 4 + OK_END.length;
const VERSION = /^[0-9][0-9A-Za-z.+~_:-]{2,100}$/;

/** Whether these bytes are what a server says first: version 10 of the protocol, its own version as text, room for the rest. */
export function greetsMysql(bytes: Uint8Array): boolean {
  const packet = wholePacket(bytes, 0);
  if (packet?.[0] !== GREETING) return false;
  const end = packet.indexOf(0, 1);
  return end > 0 && packet.length >= end + 32 && VERSION.test(packet.toString("latin1", 1, end));
}

/** Whether these bytes are a command that carries a statement. */
export function continuesMysql(bytes: Uint8Array): boolean {
  const packet = wholePacket(bytes, 0);
  if (packet === undefined) return false;
  if (packet[0] === Command.STMT_EXECUTE) return packet.length >= 10 && packet.readUInt32LE(6) === 1;
  if (packet[0] !== Command.QUERY && packet[0] !== Command.STMT_PREPARE) return false;
  const from = packet[1] === 0 && packet[2] === 1 ? 3 : 1;
  return /^\s*(?:\/\*|\(*[A-Za-z]{2,10}\b)/.test(packet.toString("latin1", from, 64));
}

/** Attributes may stand before a query, most often none: a byte of how many, and one that is always 1. */
function statementOf(payload: Buffer, dialect: Dialect): Statement {
  if (payload[1] === 0 && payload[2] === 1) return obfuscated(payload.toString("utf8", 3), dialect);
  const hasAttributes = payload[0] === Command.QUERY && payload[1] !== undefined && payload[1] < 9;
  return hasAttributes ? UNKNOWN : obfuscated(payload.toString("utf8", 1), dialect);
}

/** Whether the last packet of a result ends here, in either of its forms. */
function endsResult(bytes: Uint8Array): boolean {
  const tail = Buffer.from(bytes.subarray(-LONGEST_END_BYTES));
  for (const { length, statusAt } of [EOF_END, OK_END]) {
    const packet = tail.subarray(-4 - length);
    if (packet.length !== 4 + length || packet.readUIntLE(0, 3) !== length || packet[4] !== Reply.EOF) continue;
    if ((packet.readUInt16LE(4 + statusAt) & Status.MORE_RESULTS) === 0) return true;
  }
  return false;
}

/** The payload of the only packet there is. */
function wholePacket(bytes: Uint8Array, sequence: number): Buffer | undefined {
  if (bytes.length < 5) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset, 4);
  if (lengthOf(head) !== bytes.length - 4 || sequenceOf(head) !== sequence) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset + 4, bytes.length - 4);
}

/** The protocol of MySQL and MariaDB: queries, prepared statements, several results; one request after the other or pipelined. */
export class MysqlDecoder extends PairedDecoder<MysqlCall> {
  protected override readonly requests = new FrameReader(requestFormat, {
    isDue: () => true,
    frame: (frame) => this.#request(frame),
  });
  protected override readonly responses = new FrameReader(responseFormat, {
    isDue: (head) => this.#isOpening || this.pending.length > 0 || sequenceOf(head) !== 1,
    frame: (frame) => this.#response(frame),
  });
  readonly #prepared = new PreparedStatements<number>();
  #lastPrepared: Statement | undefined;
  readonly #eof: EofHabit = { isWithout: undefined };
  #dialect: Dialect = MYSQL;
  /** Nobody has logged in yet. */
  #isOpening: boolean;
  /** The client's first packet has come. */
  #isAnswered = false;
  #isCompressed = false;
  /** The packet before was so long that this one is the rest of it. */
  readonly #isContinued = [false, false];

  constructor(start: DecoderStart) {
    super(start);
    this.#isOpening = !start.isMidway;
  }

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return continuesMysql(bytes);
  }

  protected override beginsResponse(bytes: Uint8Array): boolean {
    return bytes.length > 4 && bytes[3] === 1;
  }

  protected override endsResponse(bytes: Uint8Array): boolean {
    return endsResult(bytes);
  }

  protected override get extraSize(): number {
    return this.#prepared.size;
  }

  protected override lostTrack(): void {
    this.#isOpening = false;
    this.#isContinued.fill(false);
  }

  #request(frame: Frame): void {
    if (this.#isRest(0, frame.length)) return this.pending.at(-1)?.asked(frame);
    if (this.#isOpening) return this.#login(frame);
    const { payload } = frame;
    const command = payload[0];
    // Files a server has asked for, and what follows a wish to be somebody else.
    if (sequenceOf(frame.head) !== 0 || command === undefined) return this.pending.at(-1)?.asked(frame);
    if (!isCommand(command)) return this.lose();
    if (REPLICATION.has(command)) return this.#turnOther();
    if (command === Command.STMT_CLOSE && payload.length >= 5) this.#prepared.delete(payload.readUInt32LE(1));
    if (!UNANSWERED.has(command))
      this.open(new MysqlCall(frame, command, this.#statement(command, payload), this.#eof));
  }

  /** What a command executes; undefined for one that is no call. */
  #statement(command: number, payload: Buffer): Statement | undefined {
    if (command === Command.QUERY || command === Command.STMT_PREPARE) {
      const statement = statementOf(payload, this.#dialect);
      if (command === Command.STMT_PREPARE) this.#lastPrepared = statement;
      return statement;
    }
    if ((command !== Command.STMT_EXECUTE && command !== BULK_EXECUTE) || payload.length < 5) return undefined;
    const id = payload.readUInt32LE(1);
    return (id === LAST_PREPARED ? this.#lastPrepared : this.#prepared.get(id)) ?? UNKNOWN;
  }

  #login({ payload, length }: Frame): void {
    if (this.#isAnswered || payload.length < 4) return;
    this.#isAnswered = true;
    const capabilities = payload.readUInt32LE(0);
    if ((capabilities & Capability.SSL) !== 0 && length === TLS_REQUEST_BYTES) return this.#turnOther();
    // Before version 4.1 packets looked otherwise.
    if ((capabilities & Capability.PROTOCOL_41) === 0) return this.#turnOther();
    this.#isCompressed = (capabilities & (Capability.COMPRESS | Capability.ZSTD)) !== 0;
    this.#eof.isWithout = (capabilities & Capability.DEPRECATE_EOF) !== 0;
  }

  #response(frame: Frame): void {
    const { payload, length } = frame;
    const [call] = this.pending;
    const isRest = this.#isRest(1, length);
    if (this.#isOpening) return this.#greeting(payload);
    // The end of an older response.
    if (call === undefined || (!call.shape.isBegun && sequenceOf(frame.head) !== 1)) return;
    call.answered(frame);
    if (isRest) return;
    const isPrepared = call.command === Command.STMT_PREPARE && !call.shape.isBegun && payload[0] === Reply.OK;
    if (isPrepared && payload.length >= 5) call.preparedId = payload.readUInt32LE(1);
    const progress = call.shape.packet(payload, length);
    if (progress === "broken") return this.lose();
    if (progress === "over") this.#over(call, payload);
  }

  #over(call: MysqlCall, payload: Buffer): void {
    call.ends(payload);
    if (call.command === Command.STMT_PREPARE) {
      if (call.statement !== undefined && call.preparedId !== undefined) {
        this.#prepared.set(call.preparedId, call.statement);
      }
    } else if (payload[0] === Reply.OK || payload[0] === Reply.EOF) {
      this.#dialect = (statusFlags(payload) & Status.NO_BACKSLASH_ESCAPES) !== 0 ? MYSQL_PLAIN : MYSQL;
    }
    this.finish(call);
  }

  /** What a server says until somebody has logged in. */
  #greeting(payload: Buffer): void {
    if (!this.#isAnswered || payload[0] !== Reply.OK) return;
    this.#isOpening = false;
    if (this.#isCompressed) this.#turnOther();
  }

  /** Whether this packet is the rest of the one before. */
  #isRest(side: 0 | 1, length: number): boolean {
    const isRest = this.#isContinued[side]!;
    this.#isContinued[side] = length === LARGEST;
    return isRest;
  }

  #turnOther(): void {
    this.requests.stop();
    this.responses.stop();
    this.turn = { to: "other" };
  }
}
