// SPDX-License-Identifier: MIT

import { redacted } from "../redact.js";
import type { SpanFields } from "../span-fields.js";
import { WireCall } from "../wire-call.js";
import type { Message } from "../wire/message-reader.js";
import { type Method, replyNames, shortString } from "./methods.js";

/** Behind class, method and two bytes that mean nothing. */
const ARGUMENTS_AT = 6;

/** A method and what answers it. */
export class AmqpCall extends WireCall {
  override readonly protocol = "amqp";
  /** Of a message that is published where publishing is confirmed: its number on the channel. */
  deliveryTag = 0n;
  #queue = "";
  #exchange = "";
  #routingKey = "";
  #reply = "";
  #errorCode = 0;
  #errorMessage = "";
  #isRefused = false;

  /** @param payload of the method's frame */
  constructor(
    request: Message,
    payload: Buffer,
    readonly channel: number,
    readonly method: Method,
    private readonly vhost: string,
  ) {
    super(request);
    let at = ARGUMENTS_AT;
    for (const argument of method.arguments) {
      const { text, end } = shortString(payload, at);
      if (argument === "queue") this.#queue = text;
      else if (argument === "exchange") this.#exchange = text;
      else if (argument === "routingKey") this.#routingKey = text;
      at = end;
    }
  }

  override get size(): number {
    return super.size + this.#queue.length + this.#exchange.length + this.#routingKey.length;
  }

  /** @param id class and method of what answers */
  responds(response: Message, id: number, isRefused = false): void {
    this.answered(response);
    this.#reply = replyNames.get(id) ?? "";
    this.#isRefused = isRefused;
  }

  /** The server closes the channel, or the connection, instead. @param payload of that frame */
  fails(response: Message, id: number, payload: Buffer): void {
    this.responds(response, id, true);
    if (payload.length < ARGUMENTS_AT) return;
    this.#errorCode = payload.readUInt16BE(4);
    this.#errorMessage = redacted(shortString(payload, ARGUMENTS_AT).text);
  }

  override get fields(): SpanFields {
    return {
      operation: "AMQP",
      resource: this.method.name,
      resource_type: this.method.name,
      amqp_class: this.method.name.split(".")[0]!,
      ...(this.#queue !== "" && { amqp_queue: this.#queue }),
      ...(this.#exchange !== "" && { amqp_exchange: this.#exchange }),
      ...(this.#routingKey !== "" && { amqp_routing_key: this.#routingKey }),
      ...(this.vhost !== "" && { amqp_vhost: this.vhost }),
      ...(this.#reply !== "" && { amqp_resp_method: this.#reply }),
      ...(this.hasResponse && { status: this.#isRefused ? "error" : "ok" }),
      ...(this.#errorCode !== 0 && { err_code: this.#errorCode, err_msg: this.#errorMessage }),
    };
  }
}
