// SPDX-License-Identifier: MIT
export * from "./clock/fake-clock.js";
export * from "./clock/recorded-clock.js";
export type { FakeIterator, IteratorRead } from "./kernel/fake-iterator.js";
export { FakeKernel, fakeKernel, type FakeKernelOptions } from "./kernel/fake-kernel.js";
export type { FakeMap } from "./kernel/fake-map.js";
export type { FakeRing } from "./kernel/fake-ring.js";
export type { FakeLink } from "./kernel/fake-session.js";
export { type Lend, lendOnce, lendPlainly } from "./kernel/lend.js";
export { type MapDefinition, mapDefinitions } from "./kernel/map-definition.js";
export type { Verdicts } from "./kernel/verdicts.js";
export type { Answer, Failure, RecordingFrame, StreamDeclaration, Told, Turn } from "./recording/frame.js";
export type { RecordingHeader } from "./recording/header.js";
export { layoutHash, layoutsOf } from "./recording/layout-hash.js";
export { parseRecording, readRecording, type Recording } from "./recording/reader.js";
export { recordingBackend, type RecordingOptions } from "./recording/recording-backend.js";
export * from "./recording/sink.js";
export type { RecordedKernel } from "./replay/recorded-kernel.js";
export * from "./replay/replay-backend.js";
export { recorder, type Recorder } from "./recording/recorder.js";
export {
  createRunFile,
  parseRun,
  readRun,
  type RunFile,
  type RunHeader,
  type RunRecording,
} from "./recording/run-file.js";
export { Player, type PlayOptions } from "./replay/play.js";
