// SPDX-License-Identifier: MIT
import { type Backend, silentLogger, SkepError } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import {
  fakeKernel,
  layoutHash,
  memorySink,
  parseRecording,
  recordingBackend,
  type RecordingFrame,
  type RecordingHeader,
} from "../../src/index.js";
import { parseHeader, serializeHeader } from "../../src/recording/header.js";
import { beat, beatBytes, openRequest, toy, u32 } from "./toy.js";

const never = Number.POSITIVE_INFINITY;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A kernel under a recorder whose clock ticks a microsecond per look. */
function recorder() {
  const kernel = fakeKernel({ plugin: toy, verdicts: { fentry: false } });
  const sink = memorySink();
  let ns = 1000n;
  const headers: RecordingHeader[] = [];
  const backend = recordingBackend(
    kernel,
    (header) => {
      headers.push(header);
      return sink;
    },
    { plugins: [toy], monotonicNs: () => (ns += 1000n), unixNs: () => 1_700_000_000_000_000_000n },
  );
  return { kernel, sink, backend, headers };
}

/** A recording with something of everything in it. */
async function richRecording(): Promise<Uint8Array> {
  const { kernel, sink, backend } = recorder();
  const session = await backend.open(openRequest({ rodata: { wide: 2n ** 60n, flag: true, small: 3 } }));
  session.layoutOf("beat");
  session.hasMap("skep_scope_pids");
  session.hasProgram("hearts");
  await session.attach();
  kernel.ring("beats").push(beatBytes(1));
  kernel.ring("beats").push(beatBytes(2));
  session.ring("beats").drain(() => {}, never);
  kernel.map("flows").update(u32(1), beatBytes(10));
  kernel.map("flows").update(u32(2), beatBytes(20));
  session.map("flows").lookup(u32(1));
  session.map("flows").lookup(u32(3));
  await session.map("flows").scan(() => {});
  session.map("flows").delete(u32(2));
  await session.map("flows").scan(() => {}, { remove: true });
  await session.map("flows").scan(() => {});
  kernel
    .iterator("hearts")
    .returnsOnce([beatBytes(5), beatBytes(6)])
    .returnsOnce([]);
  await session.iterator("hearts").read(8, () => {});
  await session.iterator("hearts").read(8, () => {});
  kernel.iterator("hearts").returnsOnce(new SkepError("SKEP_ERR_ITERATOR", "it broke"));
  await session.iterator("hearts").read(8, () => {}).catch(() => {}); // prettier-ignore
  await session.close();
  return sink.bytes();
}

/** A frame without its time and with bytes as text. */
function told(frame: RecordingFrame): unknown {
  switch (frame.kind) {
    case "record":
      return ["record", text(frame.bytes)];
    case "read":
      return ["read", frame.recordSize, frame.records.map(text)];
    case "scan":
      return ["scan", frame.removed, frame.entries.map(([key, value]) => [text(key), text(value)])];
    case "lookup":
      return ["lookup", text(frame.key), frame.value && text(frame.value)];
    case "delete":
      return ["delete", text(frame.key), frame.found];
    case "answer":
      return ["answer", frame.answer.ask, frame.answer.name];
    case "failure":
      return ["failure", frame.failure.operation, frame.failure.code, frame.failure.message];
  }
}

test("everything a plugin learns from a session is in the recording, in its order", async (t) => {
  const { header, streams, frames, complete } = parseRecording(await richRecording());
  t.true(complete);
  t.deepEqual(header.plugin, { name: "toy", version: "1.0.0", api: toy.api });
  t.deepEqual(header.rodata, { wide: 2n ** 60n, flag: true, small: 3 });
  t.is(header.strategies["beats"]!.name, "tp_btf");
  t.deepEqual(header.layouts, [beat.layout]);
  t.is(header.layoutHash, layoutHash([beat.layout]));
  t.deepEqual(
    [...streams.values()].map(({ kind, name }) => [kind, name]),
    [
      ["ring", "beats"],
      ["map", "flows"],
      ["iterator", "hearts"],
    ],
  );
  const one = text(u32(1));
  t.deepEqual(frames.map(told), [
    ["answer", "layoutOf", "beat"],
    ["answer", "hasMap", "skep_scope_pids"],
    ["answer", "hasProgram", "hearts"],
    ["record", text(beatBytes(1))],
    ["record", text(beatBytes(2))],
    ["lookup", one, text(beatBytes(10))],
    ["lookup", text(u32(3)), undefined],
    ["scan", false, [[one, text(beatBytes(10))], [text(u32(2)), text(beatBytes(20))]]], // prettier-ignore
    ["delete", text(u32(2)), true],
    ["scan", true, [[one, text(beatBytes(10))]]],
    ["scan", false, []],
    ["read", 8, [text(beatBytes(5)), text(beatBytes(6))]],
    ["read", 8, []],
    ["failure", "read", "SKEP_ERR_ITERATOR", "it broke"],
  ]);
});

test("a recorded session behaves as the one under it", async (t) => {
  const { kernel, backend } = recorder();
  const session = await backend.open(openRequest());
  await session.attach();
  t.is(kernel.links.length, 1);
  kernel.failAttach("on_beat_tp", "EBUSY");
  t.throws(() => session.attachTo("on_beat_tp", { kind: "tp_btf", event: "x" }), { code: "SKEP_ERR_ATTACH" });
  const ring = session.ring("beats");
  kernel.ring("beats").push(beatBytes(1));
  t.is(ring.pending(), 16);
  t.throws(() => ring.drain(() => { throw new Error("handler"); }, never), { message: "handler" }); // prettier-ignore
  await t.throwsAsync(
    session.map("m").scan(() => {}).then(() => session.map("m").update(new Uint8Array(0), u32(1))).then(() => { throw new Error("end"); }), // prettier-ignore
    { message: "end" },
  );
  await session.close();
  t.deepEqual(kernel.links, []);
});

test("a handler that throws in the middle of a read is no failure of the iterator", async (t) => {
  const { kernel, backend, sink } = recorder();
  const session = await backend.open(openRequest());
  kernel.iterator("hearts").returns([beatBytes(1), beatBytes(2)]);
  await t.throwsAsync(session.iterator("hearts").read(8, () => { throw new Error("plugin"); }), { message: "plugin" }); // prettier-ignore
  await session.close();
  t.deepEqual(parseRecording(sink.bytes()).frames.map(told), [["read", 8, [text(beatBytes(1))]]]);
});

test("a read longer than a frame is one read again", async (t) => {
  const { kernel, backend, sink } = recorder();
  const session = await backend.open(openRequest());
  const records = Array.from({ length: 50_000 }, (_, index) => beatBytes(index));
  kernel.iterator("hearts").returnsOnce(records);
  t.is(await session.iterator("hearts").read(8, () => {}), 50_000);
  await session.close();
  const [read] = parseRecording(sink.bytes()).frames;
  t.is(read?.kind, "read");
  if (read?.kind === "read") {
    t.is(read.records.length, 50_000);
    t.deepEqual(read.records[49_999], beatBytes(49_999));
  }
});

test("a plugin that is not to be recorded runs unrecorded", async (t) => {
  const { backend, headers } = recorder();
  await backend.open(openRequest({ plugin: "other" }));
  t.deepEqual(headers, []);
});

test("a sink that fails ends the recording and is told once, the session goes on", async (t) => {
  const kernel = fakeKernel({ plugin: toy, verdicts: { fentry: false } });
  const warnings: object[] = [];
  const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  const full = { write: () => { throw new Error("no space left"); }, close() {} }; // prettier-ignore
  const backend: Backend = recordingBackend(kernel, () => full, { plugins: [toy] });
  const session = await backend.open(openRequest({ log }));
  kernel.ring("beats").push(beatBytes(1));
  t.is(
    session.ring("beats").drain(() => {}, never),
    1,
  );
  await session.close();
  t.is(warnings.length, 1);
  t.regex(JSON.stringify(warnings[0]), /no space left/);
});

test("a recording cut anywhere is read up to its last whole frame", async (t) => {
  const bytes = await richRecording();
  const whole = parseRecording(bytes);
  const headerEnd = bytes.indexOf(0x0a) + 1;
  const counts = new Set<number>();
  for (let end = headerEnd; end < bytes.length; end++) {
    const cut = parseRecording(bytes.subarray(0, end));
    t.false(cut.complete);
    t.deepEqual(cut.frames.map(told), whole.frames.slice(0, cut.frames.length).map(told));
    counts.add(cut.frames.length);
  }
  t.is(counts.size, whole.frames.length + 1, "no frame is lost but the cut one");
  for (let end = 0; end < headerEnd; end += 7) {
    t.throws(() => parseRecording(bytes.subarray(0, end)), { code: "SKEP_ERR_RECORDING" });
  }
});

test("whatever bytes it is given, the reader answers with a recording or SKEP_ERR_RECORDING", async (t) => {
  const bytes = await richRecording();
  const headerEnd = bytes.indexOf(0x0a) + 1;
  const answers = (input: Uint8Array): boolean => {
    try {
      return parseRecording(input).frames.length >= 0;
    } catch (error) {
      return error instanceof SkepError && error.code === "SKEP_ERR_RECORDING";
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), answers));
  const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(flips, (changes) => {
      const damaged = Uint8Array.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      return answers(damaged);
    }),
    { numRuns: 3000 },
  );
  const garbage = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(garbage, (tail) => answers(Buffer.concat([bytes.subarray(0, headerEnd), tail]))),
    { numRuns: 3000 },
  );
  t.pass();
});

test("damage that is no truncation is refused", async (t) => {
  const bytes = await richRecording();
  const at = bytes.indexOf(0x0a) + 1;
  const damaged = (change: (copy: Uint8Array, view: DataView) => void) => {
    const copy = Uint8Array.from(bytes);
    change(copy, new DataView(copy.buffer));
    return () => parseRecording(copy);
  };
  const refused = (message: RegExp) => ({ code: "SKEP_ERR_RECORDING", message });
  t.throws(damaged((copy) => (copy[at] = 0)), refused(/unknown kind 0/)); // prettier-ignore
  t.throws(damaged((copy) => (copy[at] = 77)), refused(/unknown kind 77/)); // prettier-ignore
  t.throws(
    damaged((_, view) => view.setUint32(at + 4, 0x7fffffff, true)),
    refused(/frame of 2147483647 bytes/),
  );
  t.throws(
    damaged((_, view) => view.setBigUint64(at + 8, 1n << 62n, true)),
    refused(/time goes back/),
  );
  t.throws(() => parseRecording(Buffer.concat([bytes, bytes.subarray(at)])), refused(/bytes after its end/));
});

test("a header survives being written and read", (t) => {
  const name = fc.string({ maxLength: 12 });
  const layout = fc.record({
    struct: name,
    size: fc.nat(),
    fields: fc.array(fc.record({ name, offset: fc.nat(), size: fc.nat() }), { maxLength: 3 }),
  });
  const header = fc.record({
    plugin: fc.record({ name, version: name, api: name }),
    kernel: fc.record({ release: name, arch: name, possibleCpus: fc.nat() }),
    clock: fc.record({ monotonicNs: fc.bigInt({ min: 0n, max: 2n ** 63n }), unixNs: fc.bigInt({ min: 0n, max: 2n ** 63n }) }),
    strategies: fc.dictionary(name, fc.record({ name: fc.option(name, { nil: undefined }), refused: fc.array(fc.record({ name, reason: name })) })),
    rodata: fc.dictionary(name, fc.oneof(fc.boolean(), fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }))),
    mapEntries: fc.dictionary(name, fc.nat()),
    layouts: fc.array(layout, { maxLength: 3 }),
  }); // prettier-ignore
  fc.assert(
    fc.property(header, (plain) => {
      const full: RecordingHeader = { ...plain, layoutHash: layoutHash(plain.layouts) };
      t.deepEqual(parseHeader(serializeHeader(full).trimEnd()), full);
    }),
  );
});

test("a header of another version, or with layouts its hash does not fit, is refused", (t) => {
  const line = Buffer.from(serializeHeader({
    plugin: { name: "a", version: "1", api: "1.0" },
    kernel: { release: "6", arch: "x64", possibleCpus: 1 },
    clock: { monotonicNs: 0n, unixNs: 0n },
    strategies: {}, rodata: {}, mapEntries: {}, layouts: [beat.layout], layoutHash: layoutHash([beat.layout]),
  })).toString(); // prettier-ignore
  t.notThrows(() => parseHeader(line));
  t.throws(() => parseHeader(line.replace('"bpfrec":1', '"bpfrec":2')), { message: /format version 2 instead of 1/ });
  t.throws(() => parseHeader(line.replace('"offset":4', '"offset":6')), { message: /layout hash/ });
});

test("the layout hash does not depend on the order of structs but on every offset and size", (t) => {
  const other = { struct: "other", size: 4, fields: [] };
  t.is(layoutHash([beat.layout, other]), layoutHash([other, beat.layout]));
  t.not(layoutHash([beat.layout]), layoutHash([{ ...beat.layout, size: 12 }]));
});
