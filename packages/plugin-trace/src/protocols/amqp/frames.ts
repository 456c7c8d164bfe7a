// SPDX-License-Identifier: MIT

import type { FrameFormat } from "../wire/frame-reader.js";

/** AMQP 0-9-1. https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, section 4.2 */
export const PROTOCOL_HEADER = Buffer.from("AMQP\0\0\x09\x01", "latin1");

export const FrameType = { METHOD: 1, HEADER: 2, BODY: 3, HEARTBEAT: 8 } as const;
const types: ReadonlySet<number> = new Set(Object.values(FrameType));

/** Clients and servers agree on 128 KiB at most. */
const LARGEST = 16 * 1024 * 1024;
/** Bytes of a method's arguments that are looked at: names are at most 255 bytes each. */
const WANTED = 1024;
const HEAD_BYTES = 7;

export const typeOf = (head: DataView): number => head.getUint8(0);
export const channelOf = (head: DataView): number => head.getUint16(1);

/** What a client says first. */
export const openingFormat: FrameFormat = {
  headBytes: PROTOCOL_HEADER.length,
  payload: (head) => (head.getBigUint64(0) === PROTOCOL_HEADER.readBigUInt64BE() ? 0 : -1),
  wanted: () => 0,
};

/** Behind the payload there is one more byte, which is always the same. */
export const frameFormat: FrameFormat = {
  headBytes: HEAD_BYTES,
  payload(head) {
    const length = head.getUint32(3);
    return types.has(typeOf(head)) && length <= LARGEST ? length + 1 : -1;
  },
  wanted: (head) => (typeOf(head) === FrameType.METHOD || typeOf(head) === FrameType.HEADER ? WANTED : 0),
};

const FRAME_END = 0xce;

/** Whether these bytes begin with a frame of a method, and it ends as frames do. */
export function beginsWithMethod(bytes: Uint8Array): boolean {
  if (bytes.length < HEAD_BYTES + 5) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = HEAD_BYTES + view.getUint32(3);
  return typeOf(view) === FrameType.METHOD && bytes[end] === FRAME_END;
}
