// SPDX-License-Identifier: MIT
// What dig 9.18 and dnsmasq 2.90 really said to each other.
import test from "ava";
import { decode } from "dns-packet";
import { addressesOf } from "../../../src/dnsflow/answers.js";
import { nameText, peek } from "../../../src/dnsflow/message.js";
import { TcpMessages } from "../../../src/dnsflow/tcp-messages.js";
import { typeName } from "../../../src/dnsflow/types.js";

const corpus: readonly (readonly [what: string, hex: string, says: string, addresses?: readonly string[]])[] = [
  [
    "a query with a cookie, in mixed case",
    "4ebc0120000100000000000101410474657354000001000100002904d000000000000c000a0008974cbf5979e0bc85",
    "query a.test A",
  ],
  [
    "its answer, which keeps the case",
    "4ebc85800001000100000001014104746573540000010001c00c000100010000003c0004c00002070000291000000000000000",
    "answer a.test A 0",
    ["192.0.2.7"],
  ],
  [
    "an IPv6 address",
    "6695858000010001000000010161047465737400001c0001c00c001c00010000003c001020010db80000000000000000000000070000291000000000000000",
    "answer a.test AAAA 0",
    ["2001:db8::7"],
  ],
  [
    "an alias",
    "feee8580000100020000000105616c69617304746573740000010001c00c000500010000000000080161047465737400c028000100010000003c0004c00002070000291000000000000000",
    "answer alias.test A 0",
    ["192.0.2.7"],
  ],
  [
    "a name that does not exist",
    "517281830001000000000001026e6f0474657374000001000100002910000000000000" + "00",
    "answer no.test A 3",
  ],
  [
    "a refusal with an extended error",
    "469b81850001000000000001076578616d706c65036f726700000100010000291000000000000006000f0002000e",
    "answer example.org A 5",
  ],
  [
    "a text, without EDNS",
    "f62585800001000100000000017404746573740000100001c00c001000010000000000060568656c6c6f",
    "answer t.test TXT 0",
  ],
  [
    "a mail server, with its addresses in the additional section",
    "dbbc85800001000100000003016d047465737400000f0001c00c000f000100000000000a000a0161047465737400c026000100010000003c0004c0000207c026001c00010000003c001020010db80000000000000000000000070000291000000000000000",
    "answer m.test MX 0",
  ],
  [
    "a service",
    "f78585800001000100000003025f78045f7463700474657374000021" +
      "0001c00c0021000100000000000e0000000000500161047465737400c030001c00010000003c001020010db8000000000000000000000007c030000100010000003c0004c00002070000291000000000000000",
    "answer _x._tcp.test SRV 0",
  ],
  [
    "the name of an address",
    "8ec8858000010001000000010137013201300331393207696e2d61646472046172706100000c0001c00c000c00010000003c000801610474657374000000291000000000000000",
    "answer 7.2.0.192.in-addr.arpa PTR 0",
  ],
  [
    "EDNS of a version nobody has",
    "14200120000100000000000101610474657374000001000100002904d000010000000c000a0008f5296ee3c6ec0103",
    "query a.test A",
  ],
];

for (const [what, hex, says, addresses = []] of corpus) {
  test(`real bytes: ${what}`, (t) => {
    const bytes = Buffer.from(hex, "hex");
    const { isAnswer, question, rcode } = peek(bytes)!;
    const asked = `${nameText(question!.wireName)} ${typeName(question!.type)}`;
    t.is(isAnswer ? `answer ${asked} ${rcode}` : `query ${asked}`, says);
    t.notThrows(() => decode(bytes), "the corpus is whole");
    t.deepEqual(
      addressesOf(bytes, "asked.test"),
      addresses.map((ip) => ({ ip, name: "asked.test", ttlSeconds: 60 })),
    );
  });
}

test("real bytes: an answer over TCP, behind its length", (t) => {
  const stream = Buffer.from(
    "004bd9d78580000100020000000105616c69617304746573740000010001c00c000500010000000000080161047465737400c028000100010000003c0004c00002070000291000000000000000",
    "hex",
  );
  const heard: Buffer[] = [];
  new TcpMessages(() => t.fail()).push("stream", 7, stream, 0, (whole) => heard.push(Buffer.from(whole)));
  t.deepEqual(heard, [stream.subarray(2)]);
});
