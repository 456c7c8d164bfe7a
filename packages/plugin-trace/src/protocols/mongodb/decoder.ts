// SPDX-License-Identifier: MIT

import { redacted } from "../redact.js";
import type { SpanFields } from "../span-fields.js";
import { WireCall } from "../wire-call.js";
import { type Frame, FrameReader } from "../wire/frame-reader.js";
import { PairedDecoder } from "../wire/paired-decoder.js";
import { elements, numberOf, stringOf } from "./bson.js";
import { type Command, readCommand } from "./command.js";
import {
  beginsMongo,
  documentAt,
  format,
  MORE_TO_COME,
  OpCode,
  opCodeOf,
  requestIdOf,
  responseToOf,
} from "./messages.js";

/** Logging in, and asking whether the server is there: nothing an application asked for. */
const UNTOLD: ReadonlySet<string> = new Set(
  "hello isMaster ismaster saslStart saslContinue authenticate endSessions".split(" "),
);
/** What a compressed message asks is not read. */
const COMPRESSED: Command = { name: "", text: "OP_COMPRESSED" };

/** A command and its reply. */
export class MongoCall extends WireCall {
  override readonly protocol = "mongodb";
  readonly id: number;
  readonly #command: Command | undefined;
  #isFailed = false;
  #errorCode: number | undefined;
  #errorMessage = "";

  constructor(request: Frame) {
    super(request);
    this.id = requestIdOf(request.head);
    const at = documentAt(request.payload);
    if (opCodeOf(request.head) === OpCode.COMPRESSED) this.#command = COMPRESSED;
    else if (opCodeOf(request.head) === OpCode.MSG && at >= 0) this.#command = readCommand(request.payload, at);
  }

  override get isSpan(): boolean {
    return this.#command !== undefined && !UNTOLD.has(this.#command.name);
  }

  override get size(): number {
    return super.size + (this.#command?.text.length ?? 0);
  }

  /** A reply that fails is short; of a long one the end, where it says that it did not, may be missing. */
  responds(response: Frame): void {
    this.answered(response);
    const { payload } = response;
    const at = documentAt(payload);
    if (opCodeOf(response.head) !== OpCode.MSG || at < 0) return;
    for (const element of elements(payload, at)) {
      if (element.key === "ok") this.#isFailed ||= numberOf(payload, element) === 0;
      else if (element.key === "writeErrors") this.#isFailed = true;
      else if (element.key === "code") this.#errorCode = numberOf(payload, element);
      else if (element.key === "errmsg") this.#errorMessage = redacted(stringOf(payload, element));
    }
  }

  override get fields(): SpanFields {
    const { name = "", text = "" } = this.#command ?? {};
    return {
      operation: "MongoDB",
      resource: text,
      ...(name !== "" && { resource_type: name }),
      ...(this.hasResponse && { status: this.#isFailed ? "error" : "ok" }),
      ...(this.#isFailed && this.#errorCode !== undefined && { err_code: this.#errorCode }),
      ...(this.#isFailed && this.#errorMessage !== "" && { err_msg: this.#errorMessage }),
    };
  }
}

/** MongoDB's wire protocol, by the numbers of its messages. */
export class MongoDecoder extends PairedDecoder<MongoCall> {
  protected override readonly requests = new FrameReader(format, {
    isDue: () => true,
    frame: (frame) => this.#request(frame),
  });
  protected override readonly responses = new FrameReader(format, {
    isDue: () => true,
    frame: (frame) => this.#response(frame),
  });

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return beginsMongo(bytes);
  }

  protected override beginsResponse(bytes: Uint8Array): boolean {
    if (bytes.length < format.headBytes) return false;
    const responseTo = responseToOf(new DataView(bytes.buffer, bytes.byteOffset));
    return this.pending.some(({ id }) => id === responseTo);
  }

  protected override get isOrdered(): boolean {
    return false;
  }

  protected override canDrift(): boolean {
    return false;
  }

  #request(frame: Frame): void {
    const call = new MongoCall(frame);
    this.open(call);
    const isMessage = opCodeOf(frame.head) === OpCode.MSG && frame.payload.length >= 4;
    if (isMessage && (frame.payload.readUInt32LE() & MORE_TO_COME) !== 0) this.finish(call);
  }

  #response(frame: Frame): void {
    const responseTo = responseToOf(frame.head);
    const call = this.pending.find(({ id }) => id === responseTo);
    if (call === undefined) return;
    call.responds(frame);
    this.finish(call);
  }
}
