// SPDX-License-Identifier: MIT

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Plugin, type Point, SkepError } from "@skep/core";
import { durationMs, fakeRecordedClock, readRecording, replayBackend, requireRecordingOf } from "@skep/backend-replay";
import type { ExecutionContext } from "ava";
import { type RigOptions, rigOn } from "../rig.js";
import type { Normalise } from "./normalise.js";
import { plainPoint, pointsOfText, pointsToText } from "./points-file.js";

export interface GoldenOptions extends Omit<RigOptions, "clock" | "scope"> {
  /** What to do with each point before it is compared. */
  readonly normalise?: Normalise;
}

/**
 * Plays a recording to the plugin in a real agent and compares the points with those in `*.expected.ndjson` beside it.
 * `--update-golden` (behind `--` for ava) or `UPDATE_GOLDEN=1` writes that file instead.
 *
 * The replay ends where the recording does, with the flush of the agent's stop. A recording made with other layouts fails with
 * the words "re-record": comparing what wrong offsets read would tell nothing.
 */
export async function golden(
  t: ExecutionContext,
  plugin: Plugin,
  recordingFile: string | URL,
  options: GoldenOptions = {},
): Promise<void> {
  const path = recordingFile instanceof URL ? fileURLToPath(recordingFile) : recordingFile;
  let points: readonly Point[];
  try {
    points = await replayed(plugin, path, options);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    return t.fail(`${path}: ${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`);
  }
  const { normalise } = options;
  const plain = points.flatMap((point) => (normalise ? (normalise(point) ?? []) : point)).map(plainPoint);
  const expectedPath = path.replace(/\.bpfrec$/, "") + ".expected.ndjson";
  if (wantsUpdate()) {
    writeFileSync(expectedPath, pointsToText(plain));
    t.log(`wrote ${plain.length} points to ${expectedPath}`);
    t.pass();
    return;
  }
  if (!existsSync(expectedPath)) {
    return t.fail(`${expectedPath} does not exist: look at what the plugin emits and run with UPDATE_GOLDEN=1`);
  }
  t.deepEqual(plain, pointsOfText(readFileSync(expectedPath, "utf8")), `points differ from ${expectedPath}`);
}

async function replayed(plugin: Plugin, path: string, options: GoldenOptions): Promise<readonly Point[]> {
  const recording = readRecording(path);
  requireRecordingOf(plugin, recording);
  const clock = fakeRecordedClock(recording.header);
  const backend = replayBackend(recording, { clock });
  const rig = await rigOn(backend, plugin, { ...options, clock });
  await clock.advance(durationMs(recording));
  await rig.stop();
  await backend.close();
  const [error] = rig.errors;
  if (error !== undefined) throw error;
  return rig.points;
}

const wantsUpdate = (): boolean =>
  process.argv.includes("--update-golden") || Boolean(Number(process.env["UPDATE_GOLDEN"] ?? 0));
