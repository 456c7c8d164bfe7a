// SPDX-License-Identifier: MIT

import type { SpanFields } from "../span-fields.js";
import type { Statement } from "../sql/obfuscate.js";
import { WireCall } from "../wire-call.js";
import type { Message } from "../wire/message-reader.js";
import { conditionName, type PostgresError, statusMode } from "./error.js";

/** Characters of all statements of one call that are kept. */
const LONGEST_RESOURCE = 4096;
const SYNTAX_ERROR = "42601";
const COPY_IN = "G";
const TAG = /^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d{1,15})$/;

/** From a simple query, or the first message of an extended one, to the server being ready for the next. */
export class PostgresCall extends WireCall {
  override readonly protocol = "postgresql";
  /** It is an extended query, and its Sync has been seen. */
  isSynced = false;
  #statements: string[] = [];
  #length = 0;
  #keyword = "";
  #comment = "";
  #affected: number | undefined;
  #error: PostgresError | undefined;
  #responseType = "";

  constructor(
    first: Message,
    private readonly requestType: string,
  ) {
    super(first);
  }

  /** Closing a statement, or asking what it is like, is no call. */
  override get isSpan(): boolean {
    return this.#statements.length > 0;
  }

  override get size(): number {
    return super.size + this.#length;
  }

  /** It executes a statement; several in one round trip are told one after the other, the same ones once. */
  executes({ text, keyword, comment }: Statement): void {
    if (this.#statements.includes(text) || this.#length > LONGEST_RESOURCE) return;
    this.#statements.push(text);
    this.#length += text.length;
    this.#keyword ||= keyword;
    this.#comment ||= comment;
  }

  /** The server waits for rows. */
  get isCopyingIn(): boolean {
    return this.#responseType === COPY_IN;
  }

  /** A message of the response, by its letter. */
  responds(message: Message, type: string): void {
    this.answered(message);
    // Of those that follow each other the first one that is not about the form of the result.
    if (this.#responseType === "" || "123nNSt".includes(this.#responseType)) this.#responseType = type;
  }

  /** A statement is complete. @param tag such as `INSERT 0 5` */
  completes(tag: string): void {
    const rows = TAG.exec(tag)?.[1];
    if (rows !== undefined) this.#affected = (this.#affected ?? 0) + Number(rows);
  }

  fails(error: PostgresError): void {
    this.#error ??= error;
  }

  /** What a server does not understand may have values where nobody looks for any: only its first word is told. */
  get #resource(): string {
    if (this.#error?.sqlState === SYNTAX_ERROR) return this.#keyword;
    return this.#statements.join("; ").slice(0, LONGEST_RESOURCE);
  }

  override get fields(): SpanFields {
    const error = this.#error;
    return {
      operation: "PostgreSQL",
      resource: this.#resource,
      ...(this.#keyword !== "" && { resource_type: this.#keyword }),
      ...(this.#comment !== "" && { pgsql_comment: this.#comment }),
      pgsql_request_type: this.requestType,
      ...(this.#responseType !== "" && { pgsql_response_type: this.#responseType }),
      ...(this.#affected !== undefined && { pgsql_affected_row: this.#affected }),
      ...(this.hasResponse && (error === undefined ? { status: "ok", status_mode: "OK" } : errorFields(error))),
    };
  }
}

const errorFields = ({ sqlState, message }: PostgresError): SpanFields => {
  const name = conditionName(sqlState);
  return {
    status: "error",
    status_mode: statusMode(sqlState),
    pgsql_status_code: sqlState,
    ...(name !== undefined && { pgsql_err_msg: name }),
    pgsql_msg: message,
  };
};
