// SPDX-License-Identifier: MIT

import { type Frame, FrameReader } from "../wire/frame-reader.js";
import { type DecoderStart, PairedDecoder } from "../wire/paired-decoder.js";
import { AmqpCall } from "./call.js";
import {
  beginsWithMethod,
  channelOf,
  frameFormat,
  FrameType,
  openingFormat,
  PROTOCOL_HEADER,
  typeOf,
} from "./frames.js";
import {
  BASIC_ACK,
  BASIC_NACK,
  CHANNEL_CLOSE,
  CHANNEL_OPEN,
  CONFIRM_SELECT,
  CONNECTION_CLOSE,
  CONNECTION_OPEN,
  methods,
  PUBLISH,
  shortString,
} from "./methods.js";

/** What is known of a channel. */
interface Channel {
  /** The message that is being published, and the bytes of it to come; -1 as long as its header is. */
  publishing: AmqpCall | undefined;
  left: number;
  /** Number of the next message, where publishing is confirmed and all were seen; 0 where it is not. */
  nextTag: bigint;
}

/** Publishing is confirmed, and how many messages there were is not known. */
const UNKNOWN_TAG = -1n;
const MOST_CHANNELS = 2048;
const CHANNEL_BYTES = 128;
const BODY_SIZE_AT = 4;

/** Whether these bytes are what a client of AMQP 0-9-1 says first. */
export const beginsAmqp = (bytes: Uint8Array): boolean =>
  bytes.length >= PROTOCOL_HEADER.length && PROTOCOL_HEADER.equals(bytes.subarray(0, PROTOCOL_HEADER.length));

/** Whether these bytes begin with a method that a client calls. */
export function continuesAmqp(bytes: Uint8Array): boolean {
  if (!beginsWithMethod(bytes)) return false;
  return methods.has(Buffer.from(bytes.buffer, bytes.byteOffset + 7, 4).readUInt32BE());
}

/**
 * AMQP 0-9-1 from the side of who asks: methods and their answers on each channel, messages that are published, with or without
 * confirmation. Deliveries are not calls: nobody answers them on the wire.
 */
export class AmqpDecoder extends PairedDecoder<AmqpCall> {
  protected override readonly requests: FrameReader;
  protected override readonly responses = new FrameReader(frameFormat, {
    isDue: () => true,
    frame: (frame) => this.#response(frame),
  });
  readonly #channels = new Map<number, Channel>();
  #vhost = "";

  constructor(start: DecoderStart) {
    super(start);
    this.requests = new FrameReader(start.isMidway ? frameFormat : openingFormat, {
      isDue: () => true,
      frame: (frame) => this.#request(frame),
    });
  }

  protected override beginsRequest(bytes: Uint8Array): boolean {
    return continuesAmqp(bytes);
  }

  protected override beginsResponse(bytes: Uint8Array): boolean {
    return beginsWithMethod(bytes);
  }

  protected override get isOrdered(): boolean {
    return false;
  }

  protected override canDrift(): boolean {
    return false;
  }

  /** A message of several frames, on the only channel where one is being published. */
  protected override driftingRequest(): AmqpCall | undefined {
    const publishing = [...this.#channels.values()].filter(
      ({ left, publishing }) => publishing !== undefined && left > 0,
    );
    return publishing.length === 1 ? publishing[0]!.publishing : undefined;
  }

  protected override requestDrifted(call: AmqpCall): void {
    const channel = this.#channel(call.channel);
    channel.publishing = undefined;
    // Others may have been published unseen: which number the next one has is not known.
    if (channel.nextTag > 0n) channel.nextTag = UNKNOWN_TAG;
    if (!this.pending.includes(call)) return;
    this.asked(call);
    if (call.deliveryTag === 0n) this.finish(call);
  }

  protected override get extraSize(): number {
    return this.#channels.size * CHANNEL_BYTES;
  }

  protected override lostTrack(): void {
    this.requests.format = frameFormat;
    for (const channel of this.#channels.values()) {
      channel.publishing = undefined;
      if (channel.nextTag > 0n) channel.nextTag = UNKNOWN_TAG;
    }
  }

  #request(frame: Frame): void {
    if (this.requests.format === openingFormat) {
      this.requests.format = frameFormat;
      return;
    }
    const { head, payload } = frame;
    const number = channelOf(head);
    if (typeOf(head) === FrameType.METHOD) this.#method(frame, number);
    else if (typeOf(head) === FrameType.HEADER) this.#content(frame, number, bodySize(payload));
    else if (typeOf(head) === FrameType.BODY) this.#content(frame, number, -1);
  }

  #method(frame: Frame, number: number): void {
    const { payload } = frame;
    if (payload.length < 4) return;
    const id = payload.readUInt32BE();
    if (id === CONNECTION_OPEN) this.#vhost = shortString(payload, 4).text;
    if (id === CHANNEL_OPEN) this.#channels.delete(number);
    const method = methods.get(id);
    if (method === undefined) return;
    const call = new AmqpCall(frame, payload, number, method, this.#vhost);
    const channel = this.#channel(number);
    if (id === CONFIRM_SELECT) channel.nextTag = 1n;
    if (id !== PUBLISH) return this.open(call);
    if (channel.nextTag > 0n) call.deliveryTag = channel.nextTag++;
    channel.publishing = call;
    channel.left = -1;
    this.open(call, false);
  }

  /** Header or body of a message that is published. @param size of the body, as its header says; -1 for a part of it */
  #content(frame: Frame, number: number, size: number): void {
    const channel = this.#channels.get(number);
    const call = channel?.publishing;
    if (channel === undefined || call === undefined) return;
    call.asked(frame);
    // Behind the payload of a frame there is one more byte.
    channel.left = size >= 0 ? size : channel.left - (frame.length - 1);
    if (channel.left > 0) return;
    channel.publishing = undefined;
    this.asked(call);
    if (call.deliveryTag === 0n) this.finish(call);
  }

  #response(frame: Frame): void {
    const { head, payload } = frame;
    if (typeOf(head) !== FrameType.METHOD || payload.length < 4) return;
    const id = payload.readUInt32BE();
    const number = channelOf(head);
    if (id === BASIC_ACK || id === BASIC_NACK) return this.#confirmed(frame, id, number);
    if (id === CHANNEL_CLOSE || id === CONNECTION_CLOSE) return this.#closed(frame, id, number);
    const call = this.pending.find(({ channel, method }) => channel === number && method.replies.includes(id));
    if (call === undefined) return;
    call.responds(frame, id);
    this.finish(call);
  }

  #confirmed(frame: Frame, id: number, number: number): void {
    const { payload } = frame;
    if (payload.length < 13) return;
    const tag = payload.readBigUInt64BE(4);
    const isMultiple = (payload[12]! & 1) !== 0;
    for (const call of [...this.pending]) {
      const isMeant = call.deliveryTag === tag || (isMultiple && call.deliveryTag > 0n && call.deliveryTag < tag);
      if (call.channel !== number || !isMeant) continue;
      call.responds(frame, id, id === BASIC_NACK);
      this.finish(call);
    }
  }

  /** What waits there is not answered any more. */
  #closed(frame: Frame, id: number, number: number): void {
    for (const call of [...this.pending]) {
      if (id === CHANNEL_CLOSE && call.channel !== number) continue;
      call.fails(frame, id, frame.payload);
      this.finish(call);
    }
    this.#channels.delete(number);
  }

  #channel(number: number): Channel {
    let channel = this.#channels.get(number);
    if (channel === undefined) {
      if (this.#channels.size >= MOST_CHANNELS) this.#channels.clear();
      this.#channels.set(number, (channel = { publishing: undefined, left: 0, nextTag: 0n }));
    }
    return channel;
  }
}

/** 0 where it is cut. */
const bodySize = (payload: Buffer): number =>
  payload.length >= BODY_SIZE_AT + 8 ? Number(payload.readBigUInt64BE(BODY_SIZE_AT)) : 0;
