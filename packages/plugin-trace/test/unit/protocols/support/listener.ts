// SPDX-License-Identifier: MIT

import { Budget, type Call, Conversation } from "@skep/protocols";
import {
  type ProtocolName,
  protocolDetector,
  protocolNames,
  protocolOf,
  type SpanFields,
  spanFields,
} from "../../../../src/protocols/index.js";
import type { Said } from "./recorded.js";

/** A call as it was told. */
export interface Heard extends Readonly<Call> {
  readonly protocol: ProtocolName | undefined;
  readonly fields: SpanFields;
}

/** Listens to a connection at the server's end, and writes down what it hears. */
export class Listener {
  readonly heard: Heard[] = [];
  readonly asked: Call[] = [];
  lost = 0;
  readonly budget: Budget;
  readonly conversation: Conversation;
  readonly #next = [0, 0];
  #timeNs = 1;

  constructor({
    isMidway = false,
    protocols = protocolNames as readonly ProtocolName[],
    limit = 1 << 22,
  }: { readonly isMidway?: boolean; readonly protocols?: readonly ProtocolName[]; readonly limit?: number } = {}) {
    this.budget = new Budget(limit);
    const sink = {
      asked: (call: Call) => void this.asked.push(call),
      told: (call: Call) => void this.heard.push(heardOf(call)),
      lost: (calls: number) => void (this.lost += calls),
    };
    const detector = protocolDetector(sink, (name) => protocols.includes(name));
    this.conversation = new Conversation({
      readSeq: 0,
      writtenSeq: 0,
      budget: this.budget,
      opening: { detector, isMidway },
    });
  }

  /** What one end says next. @param captured bytes of it that are seen; all when absent */
  hear({ isClient, bytes }: Said, captured = bytes.length): void {
    const own = isClient ? 0 : 1;
    const segment = { bytes, timeNs: this.#timeNs++ };
    this.conversation.add(
      !isClient,
      this.#next[own]! >>> 0,
      bytes.length,
      segment,
      0,
      Math.min(captured, bytes.length),
    );
    this.#next[own]! += bytes.length;
  }

  /** All of it, in pieces of at most so many bytes. */
  hearAll(said: readonly Said[], size = 1 << 20): this {
    for (const { isClient, bytes } of said) {
      for (let at = 0; at < bytes.length; at += size) this.hear({ isClient, bytes: bytes.subarray(at, at + size) });
    }
    return this;
  }

  /** Resources in the order they were told. */
  get resources(): (string | undefined)[] {
    return this.heard.map(({ fields }) => fields.resource);
  }
}

const heardOf = (call: Call): Heard => ({
  protocol: protocolOf(call),
  fields: spanFields(call),
  requestAt: call.requestAt,
  requestHeadEnd: call.requestHeadEnd,
  requestEnd: call.requestEnd,
  responseAt: call.responseAt,
  firstNs: call.firstNs,
  askedNs: call.askedNs,
  respondedNs: call.respondedNs,
  lastNs: call.lastNs,
  requestBytes: call.requestBytes,
  responseBytes: call.responseBytes,
});
