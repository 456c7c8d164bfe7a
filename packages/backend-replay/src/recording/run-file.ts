// SPDX-License-Identifier: MIT

import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { SkepError } from "@skep/core";
import { count, object, text } from "./json-shape.js";
import { malformed } from "./malformed.js";
import { parseRecording, type Recording } from "./reader.js";
import type { RecordingSink } from "./sink.js";

/** Version of the file format. A reader refuses any other. */
const RUN_VERSION = 1;
/** Section and length of a chunk, both u32, little-endian. */
const CHUNK_HEADER = 8;
const NEWLINE = 0x0a;
/** A header of a megabyte is no header. */
const LONGEST_HEADER = 1 << 20;

/** What must be known to make the same points again, besides what the plugins learnt. */
export interface RunHeader {
  /** Value of the tag `host`. */
  readonly hostname: string;
  readonly service: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds between flushes. */
  readonly interval: number;
  /** What the host was like, for people: kernel, libbpf, lockdown... */
  readonly host: Readonly<Record<string, unknown>>;
}

/** The recording of a whole run: one recording per session of a plugin, in the order they began. */
export interface RunRecording {
  readonly header: RunHeader;
  readonly sessions: readonly Recording[];
  /** False when the end is missing: the recorder was killed, or the file was cut off. */
  readonly complete: boolean;
}

/** A file that takes the recordings of a run, side by side: a line of JSON, then chunks of `*.bpfrec` files. */
export interface RunFile {
  /** Must come first. */
  begin(header: RunHeader): void;
  /** Where the next session's recording goes. */
  session(): RecordingSink;
  /** Marks the run complete. Idempotent. */
  close(): void;
  /** Removes a file that never began. */
  discard(): void;
}

/**
 * Makes the file, which must not exist yet: a recording is evidence and is not overwritten. Mode 0600.
 * @throws SkepError `SKEP_ERR_RECORDING` naming the file
 */
export function createRunFile(path: string): RunFile {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new SkepError("SKEP_ERR_RECORDING", `cannot make the recording ${path}: ${(error as Error).message}`, {
      hint: exists
        ? "a recording is not overwritten: name another file or remove this one"
        : "name a file in a directory that can be written",
      cause: error,
    });
  }
  let [sessions, open] = [0, true];
  const write = (bytes: Uint8Array) => {
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
  };
  const writeChunk = (session: number, bytes: Uint8Array) => {
    const head = Buffer.alloc(CHUNK_HEADER);
    head.writeUInt32LE(session, 0);
    head.writeUInt32LE(bytes.length, 4);
    write(head);
    write(bytes);
  };
  const end = () => {
    open = false;
    closeSync(fd);
  };
  return {
    begin: (header) => write(Buffer.from(`${JSON.stringify({ skeprec: RUN_VERSION, ...header })}\n`)),
    session() {
      const id = ++sessions;
      return {
        write: (bytes) => {
          if (bytes.length > 0) writeChunk(id, bytes);
        },
        close: () => {},
      };
    },
    close() {
      if (!open) return;
      writeChunk(0, new Uint8Array());
      end();
    },
    discard() {
      if (open) end();
      unlinkSync(path);
    },
  };
}

/**
 * Reads the recording of a run into memory.
 * @throws SkepError `SKEP_ERR_RECORDING` when it cannot be read or is malformed; the message names the file
 */
export function readRun(path: string): RunRecording {
  try {
    return parseRun(readFileSync(path));
  } catch (error) {
    const hint = error instanceof SkepError ? error.hint : undefined;
    throw new SkepError("SKEP_ERR_RECORDING", `${path}: ${(error as Error).message}`, {
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  }
}

/**
 * Reads the recording of a run; one that was cut off, up to its last whole frame (`complete` is false).
 * @throws SkepError `SKEP_ERR_RECORDING` when it is malformed
 */
export function parseRun(bytes: Uint8Array): RunRecording {
  const lineEnd = bytes.subarray(0, LONGEST_HEADER).indexOf(NEWLINE);
  if (lineEnd < 0) throw malformed("it has no header line");
  const header = parseRunHeader(Buffer.from(bytes.buffer, bytes.byteOffset, lineEnd).toString("utf8"));
  const { sections, complete } = sectionsOf(bytes.subarray(lineEnd + 1));
  // Of a session that was cut off inside its first line there is nothing to tell.
  const whole = sections.filter((section) => complete || section.includes(NEWLINE));
  const sessions = whole.map(parseRecording);
  return { header, sessions, complete: complete && sessions.every((session) => session.complete) };
}

function sectionsOf(bytes: Uint8Array): { sections: Uint8Array[]; complete: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = new Map<number, Uint8Array[]>();
  let complete = false;
  for (let at = 0; at + CHUNK_HEADER <= bytes.length;) {
    if (complete) throw malformed(`${bytes.length - at} bytes after its end`);
    const session = view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    if (session > chunks.size + 1) throw malformed(`session ${session} at byte ${at}, after ${chunks.size}`);
    at += CHUNK_HEADER;
    if (session === 0) complete = true;
    else append(chunks, session, bytes.subarray(at, at + length));
    at += length;
  }
  return { sections: [...chunks.values()].map((parts) => new Uint8Array(Buffer.concat(parts))), complete };
}

function parseRunHeader(line: string): RunHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw malformed("its first line is not JSON", error);
  }
  const plain = object(parsed, "header");
  if (plain["skeprec"] === undefined) throw malformed("its first line is not that of a recording");
  if (plain["skeprec"] !== RUN_VERSION) {
    throw malformed(`format version ${String(plain["skeprec"])} instead of ${RUN_VERSION}`);
  }
  const tags = Object.entries(object(plain["tags"], "tags")).map(([key, value]) => [key, text(value, "tags")]);
  return {
    hostname: text(plain["hostname"], "hostname"),
    service: text(plain["service"], "service"),
    tags: Object.fromEntries(tags) as Record<string, string>,
    interval: count(plain["interval"], "interval"),
    host: object(plain["host"], "host"),
  };
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
