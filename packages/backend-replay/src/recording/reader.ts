// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { SkepError } from "@skep/core";
import {
  type Failure,
  FRAME_HEADER,
  FrameFlag,
  FrameKind,
  LONGEST_FRAME,
  type RecordingFrame,
  type StreamDeclaration,
} from "./frame.js";
import { answer, declaration, failure, json, told, turn } from "./frame-json.js";
import { parseHeader, type RecordingHeader } from "./header.js";
import { malformed } from "./malformed.js";

const NEWLINE = 0x0a;
/** A header of a megabyte is no header. */
const LONGEST_HEADER = 1 << 20;

/** A recording, read and checked. Its bytes share memory with what it was parsed from. */
export interface Recording {
  readonly header: RecordingHeader;
  /** By stream id. */
  readonly streams: ReadonlyMap<number, StreamDeclaration>;
  /** In the order they were written; times never go back. */
  readonly frames: readonly RecordingFrame[];
  /** When its last frame was written, CLOCK_MONOTONIC, ns: for a complete one, when the session was closed. */
  readonly endNs: bigint;
  /** False when the end is missing: the recorder was killed, or is still at work. */
  readonly complete: boolean;
}

interface RawFrame {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly timeNs: bigint;
  readonly payload: Uint8Array;
}

/** A read or scan of which not all frames have come yet. */
interface OpenGroup {
  /** When its first frame was written. */
  readonly timeNs: bigint;
  readonly size: number;
  readonly records: Uint8Array[];
  readonly entries: (readonly [Uint8Array, Uint8Array])[];
}

/**
 * Reads a whole recording file into memory.
 * @throws SkepError `SKEP_ERR_RECORDING` as {@link parseRecording}; the message names the file.
 */
export function readRecording(path: string): Recording {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new SkepError("SKEP_ERR_RECORDING", `cannot read the recording ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return parseRecording(bytes);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    throw new SkepError(error.code, `${path}: ${error.message}`, { hint: error.hint ?? "", cause: error });
  }
}

/**
 * Reads a recording. One that stops in the middle of a frame, or of a read or scan of several frames, is read up to the last
 * whole one (`complete` is false); anything else that is not as written is refused.
 * @throws SkepError `SKEP_ERR_RECORDING` when it is malformed.
 */
export function parseRecording(bytes: Uint8Array): Recording {
  const lineEnd = bytes.subarray(0, LONGEST_HEADER).indexOf(NEWLINE);
  if (lineEnd < 0) throw malformed("it has no header line");
  const header = parseHeader(Buffer.from(bytes.buffer, bytes.byteOffset, lineEnd).toString("utf8"));
  return new FrameReader(header, bytes.subarray(lineEnd + 1)).read();
}

class FrameReader {
  readonly #view: DataView;
  readonly #streams = new Map<number, StreamDeclaration>();
  readonly #groups = new Map<number, OpenGroup>();
  readonly #frames: RecordingFrame[] = [];

  constructor(
    private readonly header: RecordingHeader,
    private readonly bytes: Uint8Array,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Recording {
    let at = 0;
    let timeNs = this.header.clock.monotonicNs;
    let complete = false;
    while (!complete) {
      const frame = this.#frameAt(at);
      if (frame === undefined) break;
      at += FRAME_HEADER + frame.payload.length;
      if (frame.timeNs < timeNs) throw malformed(`time goes back in the frame before byte ${at}`);
      timeNs = frame.timeNs;
      if (frame.kind === FrameKind.end) complete = true;
      else this.#take(frame);
    }
    if (complete && at < this.bytes.length) throw malformed(`${this.bytes.length - at} bytes after its end`);
    if (complete && this.#groups.size > 0) throw malformed("a read or scan was never finished");
    return { header: this.header, streams: this.#streams, frames: this.#frames, endNs: timeNs, complete };
  }

  /** The frame at a byte; undefined when the file stops before its end. */
  #frameAt(at: number): RawFrame | undefined {
    if (at + FRAME_HEADER > this.bytes.length) return undefined;
    const kind = this.#view.getUint8(at);
    const length = this.#view.getUint32(at + 4, true);
    if (kind < FrameKind.stream || kind > FrameKind.turn)
      throw malformed(`frame of unknown kind ${kind} at byte ${at}`);
    if (length > LONGEST_FRAME) throw malformed(`frame of ${length} bytes at byte ${at}`);
    const begin = at + FRAME_HEADER;
    if (begin + length > this.bytes.length) return undefined;
    return {
      kind,
      flags: this.#view.getUint8(at + 1),
      stream: this.#view.getUint16(at + 2, true),
      timeNs: this.#view.getBigUint64(at + 8, true),
      payload: this.bytes.subarray(begin, begin + length),
    };
  }

  #take(frame: RawFrame): void {
    const { stream, timeNs, payload } = frame;
    switch (frame.kind) {
      case FrameKind.stream:
        if (stream === 0 || this.#streams.has(stream)) throw malformed(`stream ${stream} is declared twice`);
        this.#streams.set(stream, declaration(json(payload)));
        return;
      case FrameKind.record:
        this.#declared(stream, "ring");
        this.#frames.push({ kind: "record", stream, timeNs, bytes: payload });
        return;
      case FrameKind.read:
        this.#declared(stream, "iterator");
        return this.#takeRead(frame);
      case FrameKind.scan:
        return this.#takeScan(frame, this.#declared(stream, "map").keySize);
      case FrameKind.lookup: {
        const { keySize } = this.#declared(stream, "map");
        const found = (frame.flags & FrameFlag.found) !== 0;
        if (!found || payload.length < keySize) expectSize(payload, keySize, "lookup");
        const value = found ? payload.subarray(keySize) : undefined;
        this.#frames.push({ kind: "lookup", stream, timeNs, key: payload.subarray(0, keySize), value });
        return;
      }
      case FrameKind.delete: {
        expectSize(payload, this.#declared(stream, "map").keySize, "delete");
        const found = (frame.flags & FrameFlag.found) !== 0;
        this.#frames.push({ kind: "delete", stream, timeNs, key: payload, found });
        return;
      }
      case FrameKind.answer:
        this.#frames.push({ kind: "answer", timeNs, answer: answer(json(payload)) });
        return;
      case FrameKind.told:
        this.#frames.push({ kind: "told", timeNs, told: told(json(payload)) });
        return;
      case FrameKind.turn:
        this.#frames.push({ kind: "turn", timeNs, turn: turn(json(payload)) });
        return;
      case FrameKind.failure:
        if (stream !== 0 && !this.#streams.has(stream)) throw malformed(`stream ${stream} was never declared`);
        this.#takeFailure(frame, failure(json(payload)));
        return;
    }
  }

  #takeRead(frame: RawFrame): void {
    const { group, size: recordSize, bytes } = this.#extend(frame);
    expectWhole(bytes.length, recordSize, "read");
    for (let at = 0; at < bytes.length; at += recordSize) group.records.push(bytes.subarray(at, at + recordSize));
    if (this.#unfinished(frame)) return;
    const { timeNs } = group;
    this.#frames.push({ kind: "read", stream: frame.stream, timeNs, recordSize, records: group.records });
  }

  #takeScan(frame: RawFrame, keySize: number): void {
    const { group, size: valueSize, bytes } = this.#extend(frame);
    const entrySize = keySize + valueSize;
    expectWhole(bytes.length, entrySize, "scan");
    for (let at = 0; at < bytes.length; at += entrySize) {
      const valueAt = at + keySize;
      group.entries.push([bytes.subarray(at, valueAt), bytes.subarray(valueAt, at + entrySize)]);
    }
    if (this.#unfinished(frame)) return;
    const { timeNs } = group;
    const removed = (frame.flags & FrameFlag.removed) !== 0;
    this.#frames.push({ kind: "scan", stream: frame.stream, timeNs, removed, entries: group.entries });
  }

  #takeFailure(frame: RawFrame, failure: Failure): void {
    const { stream, timeNs } = frame;
    if (failure.operation === "read" || failure.operation === "scan") this.#groups.delete(stream);
    this.#frames.push({ kind: "failure", stream, timeNs, failure });
  }

  /** The read or scan a frame belongs to, the size the frame begins with, and what follows. */
  #extend({ stream, timeNs, payload }: RawFrame): { group: OpenGroup; size: number; bytes: Uint8Array } {
    if (payload.length < 4) throw malformed("a read or scan without the size of its records");
    const size = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
    const group = this.#groups.get(stream) ?? { timeNs, size, records: [], entries: [] };
    if (group.size !== size) throw malformed("records of two sizes in one read or scan");
    this.#groups.set(stream, group);
    return { group, size, bytes: payload.subarray(4) };
  }

  #unfinished(frame: RawFrame): boolean {
    if ((frame.flags & FrameFlag.more) !== 0) return true;
    this.#groups.delete(frame.stream);
    return false;
  }

  #declared<K extends StreamDeclaration["kind"]>(stream: number, kind: K): Extract<StreamDeclaration, { kind: K }> {
    const found = this.#streams.get(stream);
    if (found === undefined) throw malformed(`stream ${stream} was never declared`);
    if (found.kind !== kind) throw malformed(`stream ${stream} is a ${found.kind}, not a ${kind}`);
    return found as Extract<StreamDeclaration, { kind: K }>;
  }
}

function expectWhole(length: number, size: number, what: string): void {
  if (length > 0 && (size === 0 || length % size !== 0)) throw malformed(`a ${what} that ends inside a record`);
}

function expectSize(payload: Uint8Array, size: number, what: string): void {
  if (payload.length !== size) throw malformed(`a ${what} of ${payload.length} bytes instead of ${size}`);
}
