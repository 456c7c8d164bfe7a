// SPDX-License-Identifier: MIT

import assert from "node:assert/strict";
import { isIP } from "node:net";
import test from "ava";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { addressType, formatAddress, isIPv4 } from "../../src/netflow/addresses.js";
import { holds } from "./support/holds.js";
import { addressWords } from "./support/records.js";

const octet = fc.integer({ min: 0, max: 255 });
/** Octets beside the borders of the special ranges come as often as all others together. */
const edgyOctet = fc.oneof(
  octet,
  fc.constantFrom(0, 9, 10, 11, 15, 16, 31, 32, 126, 127, 128, 168, 172, 192, 223, 224, 239, 240),
);
const v4 = fc.tuple(edgyOctet, edgyOctet, octet, octet).map((octets) => octets.join("."));
/** Groups of which many are zero, so that runs of zeroes of every length and place come up. */
const group = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
);
const v6Groups = fc.array(group, { minLength: 8, maxLength: 8 });
const edgyFirst = fc.constantFrom(
  0,
  1,
  0xfb00,
  0xfbff,
  0xfc00,
  0xfdff,
  0xfe00,
  0xfe80,
  0xfec0,
  0xfeff,
  0xff00,
  0xff02,
  0xffff,
);
const v6 = fc
  .tuple(fc.oneof(group, edgyFirst), v6Groups)
  .map(([first, groups]) => [first, ...groups.slice(1)].map((number) => number.toString(16)).join(":"))
  .filter((text) => !ipaddr.IPv6.parse(text).isIPv4MappedAddress());

/** The kind by the ranges of ipaddr.js: an independent table of the same RFCs. */
function typeByRange(text: string): string {
  const range = ipaddr.process(text).range();
  if (range === "private" || range === "uniqueLocal") return "private";
  return range === "loopback" || range === "multicast" ? range : "other";
}

const format = (text: string): string => formatAddress(addressWords(text), 0);
const typeOf = (text: string): string => addressType(addressWords(text), 0);

test("an IPv4 address reads as it was written, whether it came mapped or not", (t) => {
  holds(
    t,
    fc.property(v4, (text) => {
      assert.equal(format(text), text);
      assert.equal(format(`::ffff:${text}`), text);
      assert(isIPv4(addressWords(text), 0));
    }),
  );
});

test("an IPv6 address reads as the URL standard serialises it", (t) => {
  holds(
    t,
    fc.property(v6, (text) => {
      const words = addressWords(text);
      const formatted = formatAddress(words, 0);
      assert.equal(formatted, new URL(`http://[${text}]/`).hostname.slice(1, -1));
      assert.equal(isIP(formatted), 6);
      assert(!isIPv4(words, 0));
      assert.deepEqual(addressWords(formatted), words);
    }),
    { numRuns: 500 },
  );
});

test("an address is found at any word, whatever stands around it", (t) => {
  holds(
    t,
    fc.property(fc.oneof(v4, v6), fc.integer({ min: 0, max: 20 }), (text, at) => {
      const words = new Uint32Array(at + 5).fill(0xffffffff);
      words.set(addressWords(text), at);
      assert.equal(formatAddress(words, at), format(text));
      assert.equal(addressType(words, at), typeOf(text));
    }),
  );
});

test("the kind of an address is that of its range", (t) => {
  holds(
    t,
    fc.property(fc.oneof(v4, v6), (text) => assert.equal(typeOf(text), typeByRange(text), text)),
    { numRuns: 1000 },
  );
});

// First and last address of each range of the reference and their neighbours.
const edges: Readonly<Record<string, readonly string[]>> = {
  private: [
    "10.0.0.0",
    "10.255.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.255.255",
    "fc00::",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ],
  loopback: ["127.0.0.0", "127.255.255.255", "::1"],
  multicast: ["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  other: [
    "0.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "169.254.1.1",
    "::",
    "::2",
    "1::1",
    "0:0:1::1",
    "::100:1",
    "::1:0:1",
    "::ffff:1:7f00:1",
    "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe00::",
    "fe80::1",
    "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ],
};
for (const [type, addresses] of Object.entries(edges)) {
  test(`the borders of the ranges called ${type} are ${type}`, (t) => {
    for (const text of addresses) t.is(typeOf(text), type, text);
  });
}
