// SPDX-License-Identifier: MIT

import type { SpanFields } from "../span-fields.js";
import { WireCall } from "../wire-call.js";
import { type Frame, FrameReader } from "../wire/frame-reader.js";
import { PairedDecoder } from "../wire/paired-decoder.js";
import {
  apiName,
  apiOf,
  continuesKafka,
  isToldApi,
  requestCorrelation,
  requestFormat,
  responseCorrelation,
  responseFormat,
} from "./requests.js";

/** A request and its response. What went wrong stands where each version has it elsewhere: it is not told. */
export class KafkaCall extends WireCall {
  override readonly protocol = "kafka";
  readonly correlation: number;
  readonly #api: number;

  constructor(request: Frame) {
    super(request);
    this.#api = apiOf(request.head);
    this.correlation = requestCorrelation(request.head);
  }

  override get isSpan(): boolean {
    return isToldApi(this.#api);
  }

  override get fields(): SpanFields {
    const name = apiName(this.#api);
    return { operation: "Kafka", resource: name, resource_type: name };
  }
}

/** Kafka's requests and responses, by their correlation numbers. */
export class KafkaDecoder extends PairedDecoder<KafkaCall> {
  protected override readonly requests = new FrameReader(requestFormat, {
    isDue: () => true,
    frame: (frame) => this.open(new KafkaCall(frame)),
  });
  protected override readonly responses = new FrameReader(responseFormat, {
    isDue: () => true,
    frame: (frame) => this.#response(frame),
  });

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return continuesKafka(bytes);
  }

  protected override beginsResponse(bytes: Uint8Array): boolean {
    if (bytes.length < 8) return false;
    const correlation = responseCorrelation(new DataView(bytes.buffer, bytes.byteOffset));
    return this.pending.some((call) => call.correlation === correlation);
  }

  protected override get isOrdered(): boolean {
    return false;
  }

  protected override canDrift(): boolean {
    return false;
  }

  /** Brokers answer in order: what was asked before has no answer (a Produce without acknowledgement). */
  #response(frame: Frame): void {
    const correlation = responseCorrelation(frame.head);
    const call = this.pending.find((one) => one.correlation === correlation);
    if (call === undefined) return;
    while (this.pending[0] !== call) this.finish(this.pending[0]!);
    call.answered(frame);
    this.finish(call);
  }
}
