// SPDX-License-Identifier: MIT

import type { Cursor, Layout } from "./codec.js";
import type { Logger } from "./logger.js";
import type { Attach, Capability, ProbeGroup, Verdict } from "./probes.js";
import type { Scope } from "./scope.js";

/** Called with a cursor that is valid only during the call. */
export type RecordHandler = (record: Cursor) => void;

/** What a backend is asked to load for one plugin. */
export interface OpenRequest {
  /** Name of the plugin, for errors and logs. */
  readonly plugin: string;
  /** Object name -> compiled BPF object (ELF). Maps of equal name in several objects are one map. */
  readonly objects: Readonly<Record<string, Uint8Array>>;
  /** Groups to run; those the configuration does not need are left out by the caller. */
  readonly probes: Readonly<Record<string, ProbeGroup>>;
  /**
   * `const volatile` globals by name, set before load in every object that has them. One that no object has is an error,
   * unless its name begins with `skep_`: those come with the shared headers.
   */
  readonly rodata: Readonly<Record<string, number | bigint | boolean>>;
  /** Map name -> max_entries, set before load. */
  readonly mapEntries: Readonly<Record<string, number>>;
  /** Group -> strategy that must be used (`--strategy`), instead of the first that works. */
  readonly force?: Readonly<Record<string, string>>;
  readonly scope: Scope;
  /** Objects that could change the system are refused unless this is true. */
  readonly allowMutation?: boolean;
  readonly log: Logger;
}

/** Which strategy of a group was chosen and why the ones before it were not. */
export interface ChosenStrategy {
  /** Undefined when no strategy of an optional group works. */
  readonly name: string | undefined;
  readonly limits?: string;
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** What a loaded BPF program costs, as the kernel counts. */
export interface ProgramStats {
  readonly program: string;
  /** Runs, and the time they took in ns: counted while statistics are on ({@link Backend.enableStats}). */
  readonly runs: number;
  readonly runTimeNs: number;
  /** Runs the kernel left out because the program was already at work on that CPU; counted always, from Linux 5.12. */
  readonly recursionMisses: number;
}

/** Something provides kernel observations to plugins: libbpf, a recording, whatever a third party brings. */
export interface Backend {
  readonly name: string;
  /** False when it loads no BPF objects (a recording): core then reads no object files and `OpenRequest.objects` is empty. */
  readonly readsObjects?: boolean;
  /** Answers by trying, never by kernel version. Conclusive answers are cached. */
  probe(what: Capability | Attach): Promise<Verdict>;
  /** Chooses a strategy per group by trial, without leaving anything loaded. */
  choose(request: OpenRequest): Promise<Readonly<Record<string, ChosenStrategy>>>;
  /**
   * Loads what `choose` chose. Nothing observes yet: see {@link Session.attach}.
   * Throws `SKEP_ERR_PROBES` when a mandatory group has no strategy that works; nothing stays loaded then.
   */
  open(request: OpenRequest): Promise<Session>;
  /**
   * Makes the kernel count runs and run times of BPF programs until the result is closed. For the whole host: each run of any
   * program then costs two readings of the clock. Absent: there is nothing to count.
   */
  enableStats?(): { close(): void };
  /** Closes every session. Idempotent. */
  close(): Promise<void>;
}

/** The loaded programs and maps of one plugin. All handles die with `close()`, which is idempotent. */
export interface Session {
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  /** Attaches the chosen programs (all but iterators and targetless uprobes). All or nothing. */
  attach(): Promise<void>;
  /** Attaches a program of this session to one more place, such as a library found later. */
  attachTo(program: string, where: Attach): Link;
  ring(map: string): Ring;
  map(name: string): BpfMap;
  hasMap(name: string): boolean;
  iterator(program: string, target?: IteratorTarget): BpfIterator;
  /** True when `program` belongs to a chosen strategy and was loaded. */
  hasProgram(program: string): boolean;
  /** What the loaded programs cost so far; absent where there is nothing to tell. */
  programStats?(): readonly ProgramStats[];
  /** Layout of a struct in the loaded object's own BTF; undefined when the object does not know it. */
  layoutOf(struct: string): Layout | undefined;
  close(): Promise<void>;
}

export interface Link {
  /** Detaches. Idempotent. */
  close(): void;
  /**
   * Detaches without blocking the caller, and resolves when it is done; never rejects. For user probes: to let go of one takes
   * the kernel 100 ms and more. Absent where `close` is quick.
   */
  closeSoon?(): Promise<void>;
}

/** A ring buffer, read in place. */
export interface Ring {
  readonly map: string;
  /** Bytes the ring holds. */
  readonly size: number;
  /** Bytes waiting to be read. */
  pending(): number;
  /** Where the ring ends now, records that are still being written included: a number for {@link hasReached}. */
  end(): number;
  /** Whether everything before `end` has been handed over. */
  hasReached(end: number): boolean;
  /**
   * Hands committed records to `handler`, oldest first, until the ring is empty or `performance.now() >= deadline`.
   * Memory is given back to the kernel in batches. Returns how many records were handed over.
   * A throw of the handler counts as that record consumed and is rethrown after the position is published.
   */
  drain(handler: RecordHandler, deadline: number): number;
  /** Calls back once when the kernel signals data, then is disarmed. Does not keep the process alive. */
  wait(callback: () => void): void;
  cancelWait(): void;
}

/** Time slices for long reads: the event loop gets its turn after each slice. */
export interface SliceOptions {
  /** Milliseconds of work before yielding. Default 5. */
  readonly sliceMs?: number;
}

export interface BpfMap {
  readonly name: string;
  /** Name of the kernel's map type, such as `hash`, `percpu_array`. */
  readonly type: string;
  readonly keySize: number;
  /** Bytes of one value; per-CPU maps have `valueSize` rounded up to 8 for each possible CPU, one after another. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** A copy of the value (all CPUs' values for a per-CPU map), or undefined. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): void;
  /** True when the key was there. */
  delete(key: Uint8Array): boolean;
  /**
   * Visits every entry, by batch operations into one buffer where the kernel has them. `remove` takes the entries out.
   * Resolves to the number of entries visited. The cursors are valid only during the call.
   */
  scan(
    visit: (key: Cursor, value: Cursor) => void,
    options?: SliceOptions & { readonly remove?: boolean },
  ): Promise<number>;
}

/** Parameters of an iterator that only some targets take. */
export interface IteratorTarget {
  /** `iter/task*`: only this process (Linux 6.1+; elsewhere all are walked and the program must filter). */
  readonly pid?: number;
}

/** A BPF iterator program: each read walks the kernel's objects anew. */
export interface BpfIterator {
  /**
   * Runs the iterator and hands over its output as records of `recordSize` bytes. Resolves to their number.
   * @throws SkepError `SKEP_ERR_ITERATOR` when the stream ends inside a record.
   */
  read(recordSize: number, handler: RecordHandler, options?: SliceOptions): Promise<number>;
  close(): void;
}
