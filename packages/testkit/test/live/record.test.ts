// SPDX-License-Identifier: MIT
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libbpfBackend } from "@skep/backend-libbpf";
import {
  durationMs,
  fakeRecordedClock,
  fileSink,
  readRecording,
  recordingBackend,
  replayBackend,
} from "@skep/backend-replay";
import { createAgent, type Point } from "@skep/core";
import test from "ava";
import { linksOf, liveTests, programsOf, rigOn, until } from "../../src/index.js";
import { toy } from "../unit/support/toy.js";

const live = await liveTests(test, ["tp_btf", "map:ringbuf", "command:bpftool"]);

const beatsOf = (points: readonly Point[]) => points.reduce((sum, { fields }) => sum + Number(fields["count"]), 0);

live(
  ["tp_btf", "map:ringbuf", "command:bpftool"],
  "what a real kernel told a plugin, a recording tells it again",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "skep-record-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "toy.bpfrec");
    // The name of the process, by which the BPF program knows the test's own.
    const heart = join(folder, "skep-toy");
    symlinkSync("/bin/true", heart);

    const inner = libbpfBackend();
    const backend = recordingBackend(inner, () => fileSink(path), { plugins: [toy] });
    const agent = createAgent({ backend, plugins: [{ plugin: toy, config: { step: 2 } }] });
    const points: Point[] = [];
    agent.on("point", (point) => points.push(point));
    await agent.start();
    t.is(programsOf(process.pid).filter(({ name }) => name === "on_beat").length, 1);
    t.is(linksOf(process.pid).length, 1);
    for (let beats = 0; beats < 5; beats++) execFileSync(heart);
    await until(() => agent.flush().then(() => beatsOf(points) >= 10), { what: "five exits, counted twice each" });
    await agent.stop();
    await backend.close();
    t.is(beatsOf(points), 10);
    t.deepEqual(linksOf(process.pid), []);

    const recording = readRecording(path);
    t.true(recording.complete);
    t.is(recording.header.kernel.arch, process.arch);
    const clock = fakeRecordedClock(recording.header);
    const rig = await rigOn(replayBackend(recording, { clock }), toy, { clock, config: { step: 2 } });
    t.is(rig.strategies["beats"]!.name, "tp_btf");
    await clock.advance(durationMs(recording));
    await rig.stop();
    t.is(beatsOf(rig.points), 10);
    t.deepEqual(new Set(rig.points.map(({ tags }) => tags["comm"])), new Set(["skep-toy"]));
  },
);
