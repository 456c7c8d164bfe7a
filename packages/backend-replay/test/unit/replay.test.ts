// SPDX-License-Identifier: MIT
import { createAgent, type Point } from "@skep/core";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  durationMs,
  fakeClock,
  fakeKernel,
  fakeRecordedClock,
  fileSink,
  memorySink,
  parseRecording,
  readRecording,
  type Recording,
  recordedClock,
  recordingBackend,
  type RecordingSink,
  replayBackend,
  requireRecordingOf,
} from "../../src/index.js";
import { beat, beatBytes, openRequest, toy, u32 } from "./toy.js";

/** Runs the toy for three seconds under a recorder and returns its points, and what was recorded when `sink` is closed. */
async function observe(sink: RecordingSink): Promise<Point[]> {
  const clock = fakeClock({ monotonicNs: 7_000_000_000n, unixNs: 1_700_000_000_000_000_000n });
  const kernel = fakeKernel({ plugin: toy, verdicts: { fentry: false } });
  const backend = recordingBackend(kernel, () => sink, {
    plugins: [toy],
    monotonicNs: () => clock.monotonicNs(),
    unixNs: () => clock.unixNs(),
  });
  const agent = createAgent({ backend, plugins: [toy], interval: 1000, clock });
  const points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  await agent.start();
  for (let second = 1; second <= 3; second++) {
    kernel.iterator("hearts").returns(Array.from({ length: second }, () => beatBytes(1)));
    for (let beats = 0; beats < second * 10; beats++) {
      kernel.ring("beats").push(beatBytes(second));
      await clock.advance(10);
    }
    kernel.lose("map_full", second);
    await clock.advance(1000 - second * 100);
  }
  await agent.stop();
  return points;
}

async function recorded(): Promise<{ recording: Recording; points: Point[] }> {
  const sink = memorySink();
  const points = await observe(sink);
  return { recording: parseRecording(sink.bytes()), points };
}

test("a plugin sees in a replay what it saw when it was recorded, at the same times", async (t) => {
  const { recording, points: original } = await recorded();
  const clock = fakeRecordedClock(recording.header);
  const backend = replayBackend(recording, { clock });
  const agent = createAgent({ backend, plugins: [toy], interval: 1000, clock });
  const points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  await agent.start();
  t.is(agent.status().plugins[0]!.strategies["beats"]!.name, "tp_btf");
  await clock.advance(3000);
  await agent.stop();
  t.deepEqual(points, original);
  t.deepEqual(points.slice(0, 3).map(({ fields }) => fields), [
    { count: 10, live: 1 },
    { count: 40, live: 2 },
    { count: 90, live: 3 },
  ]); // prettier-ignore
  t.is(agent.status().plugins[0]!.counters.dropped["map_full"], 6);
});

test("records come no earlier than they did", async (t) => {
  const { recording } = await recorded();
  const clock = fakeRecordedClock(recording.header);
  const backend = replayBackend(recording, { clock });
  const session = await backend.open(openRequest());
  const ring = session.ring("beats");
  await session.attach();
  await clock.advance(0);
  t.is(ring.pending(), 16, "the first came at once");
  await clock.advance(60);
  const early = ring.drain(() => {}, Number.POSITIVE_INFINITY);
  t.true(early > 1 && early < 10, `${early} after 60 ms`);
  await clock.advance(durationMs(recording));
  t.is(early + ring.drain(() => {}, Number.POSITIVE_INFINITY), 10 + 20 + 30);
});

test("a replay says when everything recorded has been read", async (t) => {
  const { recording } = await recorded();
  const clock = fakeRecordedClock(recording.header);
  const backend = replayBackend(recording, { clock });
  let finished = false;
  void backend.finished.then(() => (finished = true));
  const agent = createAgent({ backend, plugins: [toy], interval: 1000, clock });
  await agent.start();
  await clock.advance(durationMs(recording) / 2);
  t.false(finished);
  await clock.advance(durationMs(recording));
  t.true(finished);
  await agent.stop();
});

test("scripted verdicts, losses and attach failures change a replay", async (t) => {
  const { recording } = await recorded();
  const clock = fakeRecordedClock(recording.header);
  const backend = replayBackend(recording, { clock, verdicts: { tp_btf: false } });
  const session = await backend.open(openRequest());
  t.is(session.strategies["beats"]!.name, "fentry");
  const [kernel] = backend.kernels("toy");
  kernel!.failAttach("on_beat", "EBUSY");
  await t.throwsAsync(session.attach(), { code: "SKEP_ERR_ATTACH" });
  kernel!.lose("map_full", 100);
  t.is(session.map("skep_stats").lookup(u32(1))![0], 101, "one was lost when recorded");
  t.is((await backend.probe("map:hash")).supported, undefined);
});

test("a map answers as it did, then with what the plugin wrote itself", async (t) => {
  const kernel = fakeKernel({ plugin: toy });
  const sink = memorySink();
  const session = await recordingBackend(kernel, () => sink, { plugins: [toy] }).open(openRequest());
  kernel.map("flows").update(u32(1), u32(10));
  const map = session.map("flows");
  map.lookup(u32(1));
  kernel.map("flows").update(u32(1), u32(11));
  map.lookup(u32(1));
  await map.scan(() => {}, { remove: true });
  await session.close();

  const recording = parseRecording(sink.bytes());
  const again = await replayBackend(recording, { clock: fakeClock() }).open(openRequest());
  const played = again.map("flows");
  t.deepEqual(played.lookup(u32(1)), u32(10));
  t.deepEqual(played.lookup(u32(1)), u32(11));
  t.is(played.lookup(u32(1)), undefined);
  const seen: number[] = [];
  t.is(await played.scan((key, value) => void seen.push(beat.count(key), beat.count(value)), { remove: true }), 1);
  t.deepEqual(seen, [1, 11]);
  t.is(await played.scan(() => {}), 0);
  played.update(u32(5), u32(50));
  t.deepEqual(played.lookup(u32(5)), u32(50));
  t.is(await played.scan(() => {}), 1);
});

test("several recordings of a plugin are its restarts, and one too many is refused", async (t) => {
  const { recording } = await recorded();
  const backend = replayBackend([recording, recording], { clock: fakeRecordedClock(recording.header) });
  await backend.open(openRequest());
  await backend.open(openRequest());
  await t.throwsAsync(backend.open(openRequest()), { code: "SKEP_ERR_RECORDING", message: /no further recording/ });
  await t.throwsAsync(backend.open(openRequest({ plugin: "other" })), { code: "SKEP_ERR_RECORDING" });
  await backend.close();
});

test("a recording of another plugin, or of other layouts, is not played", async (t) => {
  const { recording } = await recorded();
  t.notThrows(() => requireRecordingOf(toy, recording));
  t.throws(() => requireRecordingOf({ ...toy, name: "other" }, recording), {
    message: /recording of toy, not of other/,
  });
  const wider = { ...beat, layout: { ...beat.layout, size: 16 } };
  const error = t.throws(() => requireRecordingOf({ ...toy, streams: { beats: { map: "beats", codec: wider } } }, recording), {
    code: "SKEP_ERR_RECORDING",
  }); // prettier-ignore
  t.regex((error as { hint?: string }).hint ?? "", /re-record/);
});

test("a recording file is written as it happens and is never overwritten", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-recording-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "toy.bpfrec");
  await observe(fileSink(path));
  t.true(readRecording(path).complete);
  t.is(readFileSync(path)[0], "{".charCodeAt(0));
  t.throws(() => fileSink(path), { code: "EEXIST" });
  const missing = t.throws(() => readRecording(join(folder, "none.bpfrec")), { code: "SKEP_ERR_RECORDING" });
  t.regex(missing!.message, /none\.bpfrec/);
});

test("a recorded clock runs like the real one, in the time of the recording", async (t) => {
  const { recording } = await recorded();
  const base = fakeClock({ monotonicNs: 99n, unixNs: 1_800_000_000_000_000_000n });
  const clock = recordedClock(recording.header, base);
  t.is(clock.monotonicNs(), recording.header.clock.monotonicNs);
  await base.advance(5);
  t.is(clock.monotonicNs(), recording.header.clock.monotonicNs + 5_000_000n);
  t.is(clock.unixNs(), recording.header.clock.unixNs + 5_000_000n);
  t.is(clock.now(), base.now());
});
