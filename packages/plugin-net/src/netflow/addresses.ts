// SPDX-License-Identifier: MIT

import ipaddr from "ipaddr.js";

/**
 * Addresses are four 32-bit words of network-order bytes read little-endian, IPv4 as `::ffff:a.b.c.d`.
 * `at` is the index of the first word.
 */
type Words = Uint32Array;

/** `::ffff:0:0/96` in the third word: bytes 00 00 ff ff. */
const MAPPED = 0xffff0000;

/** True for an IPv4 address, mapped or not: the kernel side writes both alike. */
export const isIPv4 = (words: Words, at: number): boolean =>
  words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED;

/** Text form: dotted decimal for IPv4, RFC 5952 for IPv6. */
export function formatAddress(words: Words, at: number): string {
  if (isIPv4(words, at)) {
    const word = words[at + 3]!;
    return `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
  }
  const bytes: number[] = [];
  for (let word = at; word < at + 4; word++) {
    const value = words[word]!;
    bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }
  return new ipaddr.IPv6(bytes).toRFC5952String();
}

export type AddressType = "private" | "loopback" | "multicast" | "other";

/** What kind of address it is, as the `*_ip_type` tags say it. Link-local addresses are `other`, as in the reference. */
export function addressType(words: Words, at: number): AddressType {
  return isIPv4(words, at) ? typeOfIPv4(words[at + 3]!) : typeOfIPv6(words, at);
}

function typeOfIPv4(word: number): AddressType {
  const first = word & 255;
  const second = (word >>> 8) & 255;
  if (first === 10 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168))
    return "private";
  if (first === 127) return "loopback";
  return first >= 224 && first < 240 ? "multicast" : "other";
}

function typeOfIPv6(words: Words, at: number): AddressType {
  const first = words[at]! & 255;
  // fc00::/7 and ff00::/8
  if ((first & 0xfe) === 0xfc) return "private";
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0x01000000) return "loopback";
  return first === 0xff ? "multicast" : "other";
}
