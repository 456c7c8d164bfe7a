// SPDX-License-Identifier: MIT

import type { Layout } from "@skep/core";

/**
 * A frame is 16 bytes of header, then `length` bytes; all integers little-endian.
 *
 * | byte | size | what |
 * | ---- | ---- | ---- |
 * | 0 | 1 | kind, see {@link FrameKind} |
 * | 1 | 1 | flags, see {@link FrameFlag} |
 * | 2 | 2 | id of the stream it belongs to; 0: the session itself |
 * | 4 | 4 | length of what follows, bytes |
 * | 8 | 8 | CLOCK_MONOTONIC when user space learnt it, ns; never less than in the frame before |
 */
export const FRAME_HEADER = 16;
/** Longest payload of one frame; longer reads and scans are several frames. A larger length is damage. */
export const LONGEST_FRAME = 1 << 24;

/** Numbers of the kinds; 0 is none of them, so that a hole in a file is seen. */
export const FrameKind = {
  /** JSON {@link StreamDeclaration}: what the id means from here on. */
  stream: 1,
  /** One record of a ring, as it lay there. */
  record: 2,
  /** u32 record size, then whole records of one iterator read; several frames when {@link FrameFlag.more} is set. */
  read: 3,
  /** u32 value size (all CPUs together), then keys and values of one map scan; several frames as with `read`. */
  scan: 4,
  /** Key, then the value where {@link FrameFlag.found} is set. */
  lookup: 5,
  /** Key that was deleted; {@link FrameFlag.found} when it was there. */
  delete: 6,
  /** JSON {@link Answer}: what the session said when asked. */
  answer: 7,
  /** JSON {@link Failure}: what an operation threw; ends an unfinished read or scan. */
  failure: 8,
  /** The session was closed: the recording is complete. */
  end: 9,
  /** JSON {@link Told}: what a service, the clock or the host said. */
  told: 10,
  /** JSON {@link Turn}: the plugin was given a turn. */
  turn: 11,
} as const;

export const FrameFlag = { more: 1, found: 2, removed: 4 } as const;

/** A handle of the session whose traffic is recorded. */
export type StreamDeclaration =
  | { readonly kind: "ring"; readonly name: string; readonly size: number }
  | { readonly kind: "iterator"; readonly name: string; readonly pid?: number }
  | {
      readonly kind: "map";
      readonly name: string;
      readonly type: string;
      readonly keySize: number;
      readonly valueSize: number;
      readonly maxEntries: number;
    };

/** What a session said about itself. `layout` is absent where the object does not know the struct. */
export type Answer =
  | { readonly ask: "hasMap" | "hasProgram"; readonly name: string; readonly yes: boolean }
  | { readonly ask: "layoutOf"; readonly name: string; readonly layout?: Layout };

/** An operation that threw. */
export interface Failure {
  readonly operation: "read" | "scan" | "lookup" | "update" | "delete" | "attach" | "attachTo";
  /** Program of `attachTo`; else empty: the stream says where. */
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** An answer from elsewhere than the session. */
export interface Told {
  /** What was asked; equal keys ask the same. */
  readonly key: string;
  /** Absent: undefined. */
  readonly value?: unknown;
}

/** Why a plugin runs although no record came. Timers and sleeps are counted from 0 in the order they were asked for. */
export type Turn =
  | {
      readonly why: "flush";
      /** Unix time the points were stamped with, ns. */
      readonly time: bigint;
      /** Absent: false. */
      readonly isLast?: boolean;
    }
  | { readonly why: "every"; readonly timer: number }
  | { readonly why: "wake"; readonly sleep: number };

/** One thing a plugin learnt, decoded: bytes share memory with the recording. Times are CLOCK_MONOTONIC, ns. */
export type RecordingFrame = { readonly timeNs: bigint } & (
  | { readonly kind: "record"; readonly stream: number; readonly bytes: Uint8Array }
  | {
      readonly kind: "read";
      readonly stream: number;
      readonly recordSize: number;
      readonly records: readonly Uint8Array[];
    }
  | {
      readonly kind: "scan";
      readonly stream: number;
      readonly removed: boolean;
      readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
    }
  | {
      readonly kind: "lookup";
      readonly stream: number;
      readonly key: Uint8Array;
      readonly value: Uint8Array | undefined;
    }
  | { readonly kind: "delete"; readonly stream: number; readonly key: Uint8Array; readonly found: boolean }
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "turn"; readonly turn: Turn }
  | { readonly kind: "failure"; readonly stream: number; readonly failure: Failure }
);
