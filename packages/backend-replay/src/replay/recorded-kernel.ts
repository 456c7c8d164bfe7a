// SPDX-License-Identifier: MIT

import {
  type ChosenStrategy,
  type Clock,
  type ErrorCode,
  errorCodes,
  type IteratorTarget,
  type Layout,
  type OpenRequest,
  SkepError,
  type Verdict,
} from "@skep/core";
import type { FakeIterator } from "../kernel/fake-iterator.js";
import { FakeKernel } from "../kernel/fake-kernel.js";
import { FakeRing } from "../kernel/fake-ring.js";
import type { Lend } from "../kernel/lend.js";
import type { Turnstile } from "../kernel/turnstile.js";
import type { Verdicts } from "../kernel/verdicts.js";
import type { Failure, RecordingFrame, StreamDeclaration } from "../recording/frame.js";
import type { Recording } from "../recording/reader.js";
import { RecordedMap } from "./recorded-map.js";
import { RingFeed } from "./ring-feed.js";

export interface RecordedKernelOptions {
  readonly clock: Clock;
  /** What to add to a recorded time to get the clock's, ns. */
  readonly shiftNs: bigint;
  readonly verdicts?: Verdicts;
  readonly lend?: Lend;
  /** Records are put into the rings by whoever plays the recording, not by the clock. */
  readonly stepwise?: boolean;
}

const notAsked: Verdict = { supported: undefined, reason: "a recording is played: this host is not asked" };

/** One recorded session, ready to happen again. */
export class RecordedKernel extends FakeKernel {
  override readonly name = "replay";
  readonly #feed: RingFeed;
  readonly #recordedMaps = new Map<string, RecordedMap>();
  readonly #answers = new Map<string, boolean>();
  readonly #recordedLayouts = new Map<string, Layout | undefined>();

  constructor(
    private readonly recording: Recording,
    private readonly settings: RecordedKernelOptions,
  ) {
    super({
      layouts: recording.header.layouts,
      possibleCpus: recording.header.kernel.possibleCpus,
      otherwise: notAsked,
      ...(settings.verdicts === undefined ? {} : { verdicts: settings.verdicts }),
      ...(settings.lend === undefined ? {} : { lend: settings.lend }),
    });
    for (const stream of recording.streams.values()) this.#declare(stream);
    for (const frame of recording.frames) {
      switch (frame.kind) {
        case "read":
          this.#iteratorOf(frame.stream).returnsOnce(frame.records);
          break;
        case "scan":
          this.#mapOf(frame.stream).addScan(frame.entries);
          break;
        case "lookup":
          this.#mapOf(frame.stream).addLookup(frame.key, frame.value);
          break;
        case "delete":
          this.#mapOf(frame.stream).addDelete(frame.key, frame.found);
          break;
        case "answer":
          if (frame.answer.ask === "layoutOf") this.#recordedLayouts.set(frame.answer.name, frame.answer.layout);
          else this.#answers.set(`${frame.answer.ask} ${frame.answer.name}`, frame.answer.yes);
          break;
        case "failure":
          this.#fail(frame.stream, frame.failure);
          break;
        case "record":
        case "told":
        case "turn":
          break; // given when its time has come
      }
    }
    this.#feed = new RingFeed(recording, (map) => this.ring(map), settings.clock, settings.shiftNs);
  }

  /** Resolves when everything recorded has been read. */
  get finished(): Promise<void> {
    return this.#feed.finished;
  }

  /** The recorded strategies, unless the test says what the host can do. */
  override async choose(request: OpenRequest): Promise<Readonly<Record<string, ChosenStrategy>>> {
    return this.isScripted ? super.choose(request) : this.recording.header.strategies;
  }

  /**
   * Reads and scans wait from now on until whoever plays has come to where they ended, because other things were learnt before that.
   */
  watchReads(): void {
    for (const turnstile of this.#turnstiles()) turnstile.watch();
  }

  /** Reads and scans wait for nothing any more. */
  releaseReads(): void {
    for (const turnstile of this.#turnstiles()) turnstile.open();
  }

  /** Whoever plays has come to this frame. Returns whether a read or scan had waited for it. */
  reach(frame: RecordingFrame): boolean {
    if (frame.kind === "read") return this.#iteratorOf(frame.stream).turnstile.admit();
    if (frame.kind === "scan") return this.#mapOf(frame.stream).turnstile.admit();
    if (frame.kind !== "failure") return false;
    const { operation } = frame.failure;
    if (operation === "read") return this.#iteratorOf(frame.stream).turnstile.admit();
    return operation === "scan" && this.#mapOf(frame.stream).turnstile.admit();
  }

  /** Sizes are those of the recording. */
  protected override resize(): void {}

  override hasMap(name: string): boolean {
    return this.#answers.get(`hasMap ${name}`) ?? super.hasMap(name);
  }

  override layoutOf(struct: string): Layout | undefined {
    return this.#recordedLayouts.has(struct) ? this.#recordedLayouts.get(struct) : super.layoutOf(struct);
  }

  override async close(): Promise<void> {
    this.#feed.stop();
    await super.close();
  }

  protected override attached(): void {
    if (!this.settings.stepwise) this.#feed.start();
  }

  #declare(stream: StreamDeclaration): void {
    if (stream.kind === "ring") {
      // What was read once fits again, however slow the reader is today.
      this.adoptRing(new FakeRing(stream.name, this.lend, { size: Number.MAX_SAFE_INTEGER }));
    } else if (stream.kind === "map") {
      const map = new RecordedMap(stream, this.possibleCpus, this.lend);
      this.#recordedMaps.set(stream.name, map);
      this.adopt(map);
    }
  }

  #turnstiles(): Turnstile[] {
    const maps = [...this.#recordedMaps.values()].map(({ turnstile }) => turnstile);
    const iterators = [...this.recording.streams].filter(([, { kind }]) => kind === "iterator");
    return [...maps, ...iterators.map(([id]) => this.#iteratorOf(id).turnstile)];
  }

  #stream(id: number): StreamDeclaration {
    return this.recording.streams.get(id)!;
  }

  #mapOf(id: number): RecordedMap {
    return this.#recordedMaps.get(this.#stream(id).name)!;
  }

  #iteratorOf(id: number): FakeIterator {
    const stream = this.#stream(id) as { readonly name: string } & IteratorTarget;
    return stream.pid === undefined ? this.iterator(stream.name) : this.iteratorFor(stream.name, stream.pid);
  }

  /** Failed lookups, updates and deletes are in the file for people to read; they do not happen again. */
  #fail(stream: number, failure: Failure): void {
    const code = failure.code in errorCodes ? (failure.code as ErrorCode) : "SKEP_ERR_RECORDING";
    const error = new SkepError(code, failure.message);
    if (failure.operation === "read") this.#iteratorOf(stream).returnsOnce(error);
    else if (failure.operation === "scan") this.#mapOf(stream).addScan(error);
    else if (failure.operation === "attachTo") this.failAttach(failure.name, failure.message);
  }
}
