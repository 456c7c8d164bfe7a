// SPDX-License-Identifier: MIT

import { randomBytes } from "node:crypto";
import type { Cursor } from "@skep/core";
import { dnsEvent } from "../dns-codec.gen.js";

/** Peers choose what is hashed; they cannot choose what collides. */
const seed = randomBytes(8);
const seedLow = seed.readUInt32LE(0);
const seedHigh = seed.readUInt32LE(4);

/**
 * A number (53 bits) that a query and its answer have in common: of the socket and the message's id, and of the peer where
 * a server's one socket hears them all. Equal for others once in a long while: compare what it was made of.
 */
// hot
export function exchangeKey(record: Cursor, id: number, withPeer: boolean): number {
  const { u32 } = record;
  const socket = dnsEvent.socket(record);
  let low = mix(mix(seedLow, socket >>> 0), id);
  let high = mix(mix(seedHigh, Math.floor(socket / 4_294_967_296)), low);
  if (withPeer) {
    const peer = dnsEvent.dstAddrAt(record) >> 2;
    low = mix(low, dnsEvent.dstPort(record));
    for (let word = 0; word < 4; word++) {
      low = mix(low, u32[peer + word]!);
      high = mix(high, low);
    }
  }
  return (high & 0x1fffff) * 4_294_967_296 + (low >>> 0);
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
