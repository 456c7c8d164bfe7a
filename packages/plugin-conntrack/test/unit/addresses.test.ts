// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { formatAddress, isLoopback, parseAddress } from "../../src/nat/addresses.js";

const parsed = (text: string): Uint32Array | undefined => {
  const words = new Uint32Array(5);
  return parseAddress(text, words, 1) ? words : undefined;
};

test("an address is read and written as ipaddr.js does it", (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const expected = ipaddr.process(text);
      const words = parsed(text)!;
      t.is(
        formatAddress(words, 1),
        expected.kind() === "ipv6" ? (expected as ipaddr.IPv6).toRFC5952String() : String(expected),
      );
      t.deepEqual([...new Uint8Array(words.buffer, 4)].slice(-4), expected.toByteArray().slice(-4));
    }),
  );
});

test("IPv4 and the same address mapped into IPv6 are one", (t) => {
  fc.assert(fc.property(fc.ipV4(), (text) => void t.deepEqual(parsed(text), parsed(`::ffff:${text}`))));
});

test("what is no address is refused", (t) => {
  for (const text of [
    "",
    "1",
    "1.2.3",
    "1.2.3.",
    ".1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1..2.3",
    "a.b.c.d",
    "1.2.3.4 ",
    "::1::",
    ":",
  ]) {
    t.is(parsed(text), undefined, text);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!ipaddr.isValid(text)) t.is(parsed(text), undefined, text);
    }),
  );
});

test("loopback is 127.0.0.0/8 and ::1", (t) => {
  for (const text of ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"])
    t.true(isLoopback(parsed(text)!, 1), text);
  for (const text of ["126.0.0.1", "128.0.0.1", "::2", "::", "fe80::1"]) t.false(isLoopback(parsed(text)!, 1), text);
});
