// SPDX-License-Identifier: MIT

import type { Call } from "@skep/protocols";
import type { ProtocolName } from "./names.js";
import type { SpanFields } from "./span-fields.js";
import type { Message } from "./wire/message-reader.js";

/** A call of one of the protocols that are decoded here. What it keeps of the request has no values in it. */
export abstract class WireCall implements Call {
  readonly requestAt: number;
  requestHeadEnd: number;
  requestEnd: number;
  responseAt = -1;
  readonly firstNs: number;
  askedNs: number;
  respondedNs = 0;
  lastNs: number;
  requestBytes: number;
  responseBytes = 0;

  abstract readonly protocol: ProtocolName;

  constructor({ at, end, beganNs, endedNs }: Message) {
    this.requestAt = at;
    this.requestHeadEnd = this.requestEnd = end;
    this.requestBytes = end - at;
    this.firstNs = beganNs;
    this.askedNs = this.lastNs = endedNs;
  }

  /** It is told: what only keeps requests and responses paired is not. */
  get isSpan(): boolean {
    return true;
  }

  /** What its span says of it. */
  abstract readonly fields: SpanFields;

  /** Bytes that are kept. */
  get size(): number {
    return 256;
  }

  get hasResponse(): boolean {
    return this.responseAt >= 0;
  }

  /** Another message belongs to its request. */
  asked({ at, end, endedNs }: Message): void {
    this.requestBytes += end - at;
    this.requestEnd = end;
    if (!this.hasResponse) {
      this.requestHeadEnd = end;
      this.askedNs = Math.max(this.askedNs, endedNs);
    }
    this.lastNs = Math.max(this.lastNs, endedNs);
  }

  /** All bytes up to offset `end` belong to its request, whatever they are. */
  askedUpTo(end: number, timeNs: number): void {
    this.asked({ at: this.requestEnd, end, beganNs: timeNs, endedNs: timeNs });
  }

  /** A message belongs to its response. */
  answered({ at, end, beganNs, endedNs }: Message): void {
    this.answers(at, beganNs);
    this.responseBytes += end - at;
    this.lastNs = Math.max(this.lastNs, endedNs);
  }

  /** Its response begins, if it has not yet. */
  answers(at: number, timeNs: number): void {
    if (this.hasResponse) return;
    this.responseAt = at;
    this.respondedNs = timeNs;
  }

  /** All bytes up to offset `end` belong to its response, whatever they are. */
  drifted(end: number, timeNs: number): void {
    this.responseBytes = end - this.responseAt;
    this.lastNs = Math.max(this.lastNs, timeNs);
  }
}
