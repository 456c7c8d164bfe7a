// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import ts from "typescript";
import { buildObjects, generateCodec } from "@skep/bpf-toolchain";
import { Cursor, SkepError, readObjectBtf, type Layout } from "@skep/core";
import { zooCount, zooRecord } from "./fixtures/zoo.gen.js";
import { btfOf, fixtures, makePackage } from "./workspace.js";

const SIZE = zooRecord.layout.size;

/** A record of random bytes somewhere in a larger buffer, as in a ring. */
const records = fc
  .tuple(fc.uint8Array({ minLength: SIZE + 64, maxLength: SIZE + 64 }), fc.nat(15))
  .map(([bytes, word]) => {
    const cursor = new Cursor(bytes.slice().buffer);
    cursor.at = word * 4;
    cursor.length = SIZE;
    return cursor;
  });

test("every getter agrees with an independent decoding of the C struct", (t) => {
  fc.assert(
    fc.property(records, (c) => {
      const view = new DataView(c.bytes.buffer, c.at, SIZE);
      const text = (at: number, size: number): string => {
        const bytes = Buffer.from(view.buffer, c.at + at, size);
        const end = bytes.indexOf(0);
        return bytes.toString("utf8", 0, end < 0 ? size : end);
      };
      const bytes = (at: number, size: number): Uint8Array =>
        new Uint8Array(view.buffer.slice(c.at + at, c.at + at + size));
      t.deepEqual(zooRecord.read(c), {
        bytesSent: Number(view.getBigUint64(0, true) >> 32n) * 2 ** 32 + view.getUint32(0, true),
        clockSkew: view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true),
        pid: view.getUint32(16, true),
        error: view.getInt32(20, true),
        sport: view.getUint16(24, true),
        delta16: view.getInt16(26, true),
        family: view.getUint8(28),
        delta8: view.getInt8(29),
        ipv6: view.getUint8(30) !== 0,
        comm: text(32, 16),
        mac: bytes(48, 6),
        direction: view.getUint32(56, true),
        flags: view.getUint32(60, true),
        buckets: [64, 68, 72, 76].map((at) => view.getUint32(at, true)),
        totals: [80, 88].map((at) => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)),
        deltas: [96, 98, 100].map((at) => view.getInt16(at, true)),
        sourceV4: view.getUint32(104, true),
        source: bytes(104, 16),
        peerAddress: bytes(120, 16),
        peerPort: view.getUint16(136, true),
        tailPad: bytes(140, 4),
        socket: view.getUint32(148, true) * 2 ** 32 + view.getUint32(144, true),
        name: text(152, 5),
        path: text(157, 83),
      });
      t.is(zooRecord.bytesSentBig(c), view.getBigUint64(0, true));
      t.is(zooRecord.clockSkewBig(c), view.getBigInt64(8, true));
      t.is(zooRecord.totalsBig(c, 1), view.getBigUint64(88, true));
      t.is(c.bytes[zooRecord.sourceAt(c) + 3], view.getUint8(107));
    }),
  );
});

test("bytes a getter copied do not change with the ring", (t) => {
  const cursor = new Cursor(new ArrayBuffer(SIZE));
  const { source } = zooRecord.read(cursor);
  cursor.bytes.fill(1);
  t.deepEqual(source, new Uint8Array(16));
});

test("padding has no getter but its place in the layout", (t) => {
  t.false("reserved" in zooRecord || "padding" in zooRecord || "pad2" in zooRecord || "peerPad" in zooRecord);
  t.true(zooRecord.layout.fields.some((field) => field.name === "peer.pad"));
});

test("the committed codec is what the object's BTF says, and its layout is the object's", async (t) => {
  const directory = await makePackage(t);
  await buildObjects({ directory, check: true });
  const btf = readObjectBtf(await readFile(join(directory, "dist/bpf/zoo.arm64.bpf.o")));
  t.deepEqual(zooRecord.layout as Layout | undefined, btf.struct("zoo_record"));
  t.deepEqual(zooCount.layout as Layout | undefined, btf.struct("zoo_count"));
});

test("generated code passes the workspace's strict type check", (t) => {
  const file = join(fixtures, "zoo.gen.ts");
  const { config } = ts.readConfigFile(join(fixtures, "../../../../../tsconfig.base.json"), ts.sys.readFile) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      noEmit: true,
      composite: false,
      customConditions: ["skep-source"],
      noUnusedLocals: true,
    },
    fixtures,
  );
  const program = ts.createProgram([file], options);
  const source = program.getSourceFile(file);
  const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  t.deepEqual(
    problems.map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, "\n")),
    [],
  );
});

const refusals: readonly [what: string, members: string, message: RegExp, before?: string][] = [
  ["a bitfield", "__u32 low : 3;", /member low is a bitfield/],
  ["an unaligned integer", "__u8 a; __u32 b;", /member b lies unaligned at byte 1/, "#pragma pack(1)"],
  ["an array of structs", "struct { __u32 x; } points[2];", /member points is an array of structs/],
  ["an array of arrays", "__u32 grid[2][3];", /member grid is an array of arrays/],
  ["an integer of 16 bytes", "__int128 wide;", /member wide is an integer of 16 bytes/],
  ["an enum with negative values", "enum level l;", /member l is the enum level/, "enum level { LOW = -1, HIGH };"],
  ["two members with one name in TypeScript", "__u32 a_b; __u32 aB;", /member aB makes the getter aB, like a_b/],
  ["a member that hides a part of the codec", "__u32 layout;", /member layout makes the getter layout/],
  ["a member that equals the second getter of another", "__u64 id; __u32 id_big;", /makes the getter idBig, like id/],
];

for (const [what, members, message, before] of refusals) {
  test(`${what} is refused by the member's name`, async (t) => {
    const btf = await btfOf(t, members, before);
    const error = t.throws(() => generateCodec({ btf, object: "probe", structs: ["probe"] }), {
      instanceOf: SkepError,
    });
    t.is(error?.code, "SKEP_ERR_BUILD");
    t.regex(error?.message ?? "", message);
  });
}

test("an 8-byte integer on a 4-byte boundary is readable", async (t) => {
  const btf = await btfOf(t, "__u32 a; __u64 b;", "#pragma pack(4)");
  t.regex(generateCodec({ btf, object: "probe", structs: ["probe"] }), /c\.u32\[\(c\.at \+ 4\) >> 2\]/);
});

test("a struct the compiler left out of BTF is asked for with SKEP_RECORD", async (t) => {
  const btf = await btfOf(t, "__u32 a;");
  const error = t.throws(() => generateCodec({ btf, object: "probe", structs: ["absent"] }), { instanceOf: SkepError });
  t.regex(error?.hint ?? "", /SKEP_RECORD\(absent\)/);
});
