// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";

/**
 * 32 bits of a text, for hash tables and for keys that are made of several of them. Two seeds give two independent values.
 */
export function hash32(text: string, seed: number): number {
  // hot
  let hash = seed | 0;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return mix32(hash ^ text.length);
}

/** Spreads 32 bits so that each depends on all: the finaliser of MurmurHash3. */
export function mix32(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 128 bits of a text that nobody else's text has. */
export const digest128 = (text: string): Buffer => createHash("sha256").update(text).digest().subarray(0, 16);
