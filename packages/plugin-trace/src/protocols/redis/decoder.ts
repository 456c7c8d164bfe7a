// SPDX-License-Identifier: MIT

import { redacted } from "../redact.js";
import type { SpanFields } from "../span-fields.js";
import { WireCall } from "../wire-call.js";
import { type DecoderStart, PairedDecoder } from "../wire/paired-decoder.js";
import { commandLine, commandName, endsDialogue, isKnownCommand } from "./commands.js";
import { type RedisValue, ValueReader } from "./value-reader.js";

/** Characters of a simple answer that are told. */
const LONGEST_STATUS = 32;
const LONGEST_RESOURCE = 1024;
const OK = 200;
const ERROR = 201;

/** A command and its answer. */
export class RedisCall extends WireCall {
  override readonly protocol = "redis";
  readonly command: string;
  readonly #resource: string;
  #statusMessage: string | undefined;
  #errorMessage: string | undefined;

  constructor(request: RedisValue) {
    super(request);
    this.command = commandName(request.words[0]);
    this.#resource = commandLine(request.words, request.count).slice(0, LONGEST_RESOURCE);
  }

  override get size(): number {
    return super.size + this.#resource.length;
  }

  answer(response: RedisValue): void {
    this.answered(response);
    const [text = ""] = response.words;
    if (response.type === "-") this.#errorMessage = `-${redacted(text)}`;
    if (response.type === "!") this.#errorMessage = redacted(text);
    if (response.type !== "+") return;
    this.#statusMessage = text.length > LONGEST_STATUS ? `+${text.slice(0, LONGEST_STATUS)}...` : `+${text}`;
  }

  override get fields(): SpanFields {
    const error = this.#errorMessage;
    return {
      operation: "Redis CMD",
      resource: Buffer.from(this.#resource, "latin1").toString("utf8"),
      resource_type: this.command,
      ...(this.hasResponse && {
        status: error === undefined ? "ok" : "error",
        status_code: error === undefined ? OK : ERROR,
      }),
      ...(this.#statusMessage !== undefined && { status_msg: this.#statusMessage }),
      ...(error !== undefined && { err_msg: error }),
    };
  }
}

const ARRAY = "*".charCodeAt(0);
const PUSH = ">".charCodeAt(0);
/** A request is an array of one string or more. */
const REQUEST = /^\*[1-9]\d{0,6}\r\n\$\d{1,3}\r\n[A-Za-z]/;
const LOOK_BYTES = 32;

/** Whether these bytes begin a command of a Redis client. */
export const beginsRedis = (bytes: Uint8Array): boolean =>
  REQUEST.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOK_BYTES)).toString("latin1"));

/**
 * Whether these bytes begin a command, where they may as well begin an answer: lists are written as commands are, so only a word
 * that is one counts.
 */
export function continuesRedis(bytes: Uint8Array): boolean {
  if (!beginsRedis(bytes)) return false;
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 2 * LOOK_BYTES)).toString(
    "latin1",
  );
  return isKnownCommand(commandName(beginning.split("\r\n", 3)[2]));
}

/** Commands and answers of Redis, pipelined ones too. What a server pushes unasked (RESP3) is no answer. */
export class RedisDecoder extends PairedDecoder<RedisCall> {
  protected override readonly requests = new ValueReader({
    isDue: () => true,
    value: (value) => this.#request(value),
  });
  protected override readonly responses = new ValueReader({
    isDue: (type) => type === PUSH || this.pending.length > 0,
    value: (value) => this.#response(value),
  });

  constructor(start: DecoderStart) {
    super(start);
  }

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return continuesRedis(bytes);
  }

  #request(value: RedisValue): void {
    // Commands that are typed by hand, and answers that do not come.
    const isTyped = value.type.charCodeAt(0) !== ARRAY || value.count === 0;
    const [first, second] = value.words;
    if (isTyped || (commandName(first) === "CLIENT" && commandName(second) === "REPLY")) {
      this.requests.stop();
      this.turn = { to: "other" };
      return;
    }
    this.open(new RedisCall(value));
  }

  #response(value: RedisValue): void {
    const [call] = this.pending;
    if (call === undefined) return;
    if (value.type.charCodeAt(0) === PUSH && !endsDialogue.has(call.command)) return;
    call.answer(value);
    this.finish(call);
    // From here on answers are not counted by questions.
    if (!endsDialogue.has(call.command)) return;
    this.responses.stop();
    this.turn = { to: "other" };
  }
}
