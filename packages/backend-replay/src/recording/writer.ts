// SPDX-License-Identifier: MIT

import { type Cursor, SkepError } from "@skep/core";
import { type Answer, FRAME_HEADER, FrameFlag, FrameKind, LONGEST_FRAME, type StreamDeclaration } from "./frame.js";
import type { Failure, Told, Turn } from "./frame.js";
import { type RecordingHeader, serializeHeader } from "./header.js";
import { toPlain } from "./plain-value.js";
import type { RecordingSink } from "./sink.js";

/** Bytes gathered before the sink is called. */
const BUFFER = 256 * 1024;
/** Payload of a read or scan frame after which another is begun. */
const CHUNK = 64 * 1024;
/** Ids are 16 bits wide and 0 is the session. */
const MOST_STREAMS = 0xffff;

const utf8 = new TextEncoder();

/** What is known about a handle: its id in the file. */
export type StreamId = number;

/** One iterator read or map scan on its way into the file. */
export interface FrameGroup {
  /** Adds one record, or one key and value. Bytes are copied. */
  add(...parts: readonly Cursor[]): void;
  end(): void;
}

/**
 * Writes one recording. Memory is bounded: one buffer, and a chunk per read or scan under way.
 * After the first failure of the sink every call does nothing: recording must never disturb what is recorded.
 */
export class RecordingWriter {
  readonly #buffer = Buffer.alloc(BUFFER);
  #used = 0;
  #streams = 0;
  #failed = false;
  #closed = false;

  constructor(
    header: RecordingHeader,
    private readonly sink: RecordingSink,
    private readonly now: () => bigint,
    /** Told once, when the sink failed. */
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.#put(utf8.encode(serializeHeader(header)));
    this.flush();
  }

  stream(declaration: StreamDeclaration): StreamId {
    if (this.#streams === MOST_STREAMS) this.#fail(tooMuch("more than 65535 handles in one session"));
    const id = ++this.#streams;
    this.#json(FrameKind.stream, id, declaration);
    return id;
  }

  record(stream: StreamId, record: Cursor): void {
    this.#frame(FrameKind.record, 0, stream, bytesOf(record));
  }

  /** All reads of an iterator begin with the size of their records. */
  read(stream: StreamId, recordSize: number): FrameGroup {
    return this.#group(FrameKind.read, 0, stream, () => recordSize);
  }

  scan(stream: StreamId, remove: boolean): FrameGroup {
    const flags = remove ? FrameFlag.removed : 0;
    return this.#group(FrameKind.scan, flags, stream, (first) => first[1]?.length ?? 0);
  }

  lookup(stream: StreamId, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#frame(FrameKind.lookup, 0, stream, key);
    else this.#frame(FrameKind.lookup, FrameFlag.found, stream, key, value);
  }

  delete(stream: StreamId, key: Uint8Array, found: boolean): void {
    this.#frame(FrameKind.delete, found ? FrameFlag.found : 0, stream, key);
  }

  answer(answer: Answer): void {
    this.#json(FrameKind.answer, 0, answer);
  }

  told(told: Told): void {
    this.#json(FrameKind.told, 0, { key: told.key, value: toPlain(told.value) });
  }

  turn(turn: Turn): void {
    this.#json(FrameKind.turn, 0, turn.why === "flush" ? { ...turn, time: toPlain(turn.time) } : turn);
    this.flush();
  }

  failure(stream: StreamId, operation: Failure["operation"], error: unknown, name = ""): void {
    const code = error instanceof SkepError ? error.code : "SKEP_ERR_PLUGIN_FAILED";
    const message = error instanceof Error ? error.message : String(error);
    this.#json(FrameKind.failure, stream, { operation, name, code, message } satisfies Failure);
    this.flush();
  }

  /** Hands everything to the sink: what was written before is safe should the process end here. */
  flush(): void {
    if (this.#failed || this.#used === 0) return;
    try {
      this.sink.write(this.#buffer.subarray(0, this.#used));
    } catch (error) {
      this.#fail(error);
    }
    this.#used = 0;
  }

  /** Marks the recording complete. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#frame(FrameKind.end, 0, 0);
    this.flush();
    this.#closed = true;
    try {
      this.sink.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.onFailure(error);
  }

  /** @param sizeOf the number every frame of the group begins with, told from the first record */
  #group(kind: number, flags: number, stream: StreamId, sizeOf: (first: readonly Cursor[]) => number): FrameGroup {
    let head: Uint8Array | undefined;
    let parts: Uint8Array[] = [];
    let size = 0;
    const write = (more: number) => {
      this.#frame(kind, flags | more, stream, head ?? u32(sizeOf([])), ...parts);
      parts = [];
      size = 0;
    };
    return {
      add: (...cursors) => {
        head ??= u32(sizeOf(cursors));
        for (const cursor of cursors) {
          parts.push(Uint8Array.from(bytesOf(cursor)));
          size += cursor.length;
        }
        if (size >= CHUNK) write(FrameFlag.more);
      },
      end: () => {
        write(0);
        this.flush();
      },
    };
  }

  #json(kind: number, stream: StreamId, value: object): void {
    this.#frame(kind, 0, stream, utf8.encode(JSON.stringify(value)));
  }

  // hot
  #frame(kind: number, flags: number, stream: StreamId, ...payload: readonly Uint8Array[]): void {
    if (this.#failed || this.#closed) return;
    let length = 0;
    for (const part of payload) length += part.length;
    if (length > LONGEST_FRAME) return this.#fail(tooMuch(`a record of ${length} bytes`));
    if (this.#used + FRAME_HEADER > BUFFER) this.flush();
    const at = this.#used;
    this.#buffer[at] = kind;
    this.#buffer[at + 1] = flags;
    this.#buffer.writeUInt16LE(stream, at + 2);
    this.#buffer.writeUInt32LE(length, at + 4);
    this.#buffer.writeBigUInt64LE(this.now(), at + 8);
    this.#used += FRAME_HEADER;
    for (const part of payload) this.#put(part);
  }

  #put(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      if (this.#used === BUFFER) this.flush();
      const length = Math.min(bytes.length - done, BUFFER - this.#used);
      this.#buffer.set(bytes.subarray(done, done + length), this.#used);
      this.#used += length;
      done += length;
    }
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

const tooMuch = (what: string): SkepError => new SkepError("SKEP_ERR_RECORDING", `cannot be recorded: ${what}`);
const bytesOf = (cursor: Cursor): Uint8Array => cursor.bytes.subarray(cursor.at, cursor.at + cursor.length);
