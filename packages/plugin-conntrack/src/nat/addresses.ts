// SPDX-License-Identifier: MIT

import ipaddr from "ipaddr.js";

/** `::ffff:0:0/96` in the third word: bytes 00 00 ff ff. */
const MAPPED = 0xffff0000;

/**
 * Writes an address as four 32-bit words of network-order bytes read little-endian, IPv4 as `::ffff:a.b.c.d`, beginning at
 * word `at`. False, with nothing promised about the words, for what is no address.
 */
// hot
export function parseAddress(text: string, words: Uint32Array, at: number): boolean {
  const v4 = parseIPv4(text);
  if (v4 >= 0) {
    writeIPv4(v4, words, at);
    return true;
  }
  if (!ipaddr.IPv6.isValid(text)) return false;
  const bytes = ipaddr.IPv6.parse(text).toByteArray();
  for (let word = 0; word < 4; word++) words[at + word] = wordOf(bytes, word * 4);
  return true;
}

/** Writes an IPv4 address, given as bytes a, b, c, d from the lowest on, as a mapped one. */
export function writeIPv4(address: number, words: Uint32Array, at: number): void {
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = MAPPED;
  words[at + 3] = address;
}

/** Dotted decimal for IPv4, mapped or not; RFC 5952 for IPv6. */
export function formatAddress(words: Uint32Array, at: number): string {
  if (isIPv4(words, at)) {
    const word = words[at + 3]!;
    return `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
  }
  return new ipaddr.IPv6([...new Uint8Array(words.slice(at, at + 4).buffer)]).toRFC5952String();
}

export const isLoopback = (words: Uint32Array, at: number): boolean =>
  isIPv4(words, at)
    ? (words[at + 3]! & 255) === 127
    : words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0x01000000;

const isIPv4 = (words: Uint32Array, at: number): boolean =>
  words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED;

/** -1 for what is not four decimal numbers below 256 with dots between. */
function parseIPv4(text: string): number {
  let address = 0;
  let shift = 0;
  let part = -1;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit >= 0 && digit <= 9) {
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return -1;
    } else if (digit === -2 && part >= 0 && shift < 24) {
      address |= part << shift;
      shift += 8;
      part = -1;
    } else {
      return -1;
    }
  }
  return part < 0 || shift !== 24 ? -1 : (address | (part << 24)) >>> 0;
}

const wordOf = (bytes: readonly number[], at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
