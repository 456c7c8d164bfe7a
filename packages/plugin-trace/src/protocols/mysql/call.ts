// SPDX-License-Identifier: MIT

import { redacted } from "../redact.js";
import type { SpanFields } from "../span-fields.js";
import type { Statement } from "../sql/obfuscate.js";
import { WireCall } from "../wire-call.js";
import type { Message } from "../wire/message-reader.js";
import { Command, Reply } from "./packets.js";
import { type EofHabit, ResponseShape } from "./response-shape.js";

/** ER_PARSE_ERROR */
const SYNTAX_ERROR = 1064;
const SQL_STATE_MARK = "#".charCodeAt(0);
const SQL_STATE_BYTES = 6;

/** A command and its response. */
export class MysqlCall extends WireCall {
  override readonly protocol = "mysql";
  /** What of the response is to come. */
  readonly shape: ResponseShape;
  /** What the server calls the statement it has prepared. */
  preparedId: number | undefined;
  #status: number | undefined;
  #errorCode = 0;
  #errorMessage = "";

  /** @param statement what it executes or prepares; undefined for a command that is no call */
  constructor(
    request: Message,
    readonly command: number,
    readonly statement: Statement | undefined,
    eof: EofHabit,
  ) {
    super(request);
    this.shape = new ResponseShape(command, eof);
  }

  override get isSpan(): boolean {
    return this.statement !== undefined;
  }

  override get size(): number {
    return super.size + (this.statement?.text.length ?? 0);
  }

  /** The response says how it went. @param payload of an OK, EOF or error packet */
  ends(payload: Buffer): void {
    const [first] = payload;
    const isEof = first === Reply.EOF && this.command !== Command.STMT_PREPARE;
    this.#status = first === Reply.ERROR ? Reply.ERROR : isEof ? Reply.EOF : Reply.OK;
    if (this.#status !== Reply.ERROR || payload.length < 3) return;
    this.#errorCode = payload.readUInt16LE(1);
    const at = payload[3] === SQL_STATE_MARK ? 3 + SQL_STATE_BYTES : 3;
    this.#errorMessage = redacted(payload.toString("utf8", at));
  }

  override get fields(): SpanFields {
    const { text = "", keyword = "", comment = "" } = this.statement ?? {};
    const isError = this.#status === Reply.ERROR;
    return {
      operation: "MySQL",
      // What a server does not understand may have values where nobody looks for any.
      resource: this.#errorCode === SYNTAX_ERROR ? keyword : text,
      ...(keyword !== "" && { resource_type: keyword }),
      ...(comment !== "" && { mysql_comment: comment }),
      ...(this.hasResponse && { status: isError ? "error" : "ok" }),
      ...(this.#status !== undefined && { status_code: this.#status }),
      ...(isError && { err_code: this.#errorCode, err_msg: this.#errorMessage }),
    };
  }
}
