// SPDX-License-Identifier: MIT

import type { SliceOptions } from "@skep/core";
import { type EntryVisitor, FakeMap, idOf } from "../kernel/fake-map.js";
import { Turnstile } from "../kernel/turnstile.js";

type Entries = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

/**
 * A map that says what it said when it was recorded, each scan and each lookup of a key in its order. What was never asked then,
 * it answers from what the plugin itself has written.
 */
export class RecordedMap extends FakeMap {
  readonly #scans: (Entries | Error)[] = [];
  readonly #lookups = new Map<string, (Uint8Array | undefined)[]>();
  readonly #deletes = new Map<string, boolean[]>();
  /** Where a scan waits until its time has come. */
  readonly turnstile = new Turnstile();

  /** Adds the next scan, or the error it ended with. */
  addScan(scan: Entries | Error): void {
    this.#scans.push(scan);
  }

  addLookup(key: Uint8Array, value: Uint8Array | undefined): void {
    queueOf(this.#lookups, key).push(value);
  }

  addDelete(key: Uint8Array, found: boolean): void {
    queueOf(this.#deletes, key).push(found);
  }

  /** Scripted changes show in what is still to be answered, too. */
  override adjust(key: Uint8Array, change: (value: Uint8Array) => void): void {
    super.adjust(key, change);
    const answers = this.#lookups.get(idOf(key)) ?? [];
    for (const [index, value] of answers.entries()) {
      if (value === undefined) continue;
      answers[index] = Uint8Array.from(value);
      change(answers[index]);
    }
  }

  override lookup(key: Uint8Array): Uint8Array | undefined {
    const answers = this.#lookups.get(idOf(key));
    if (answers === undefined || answers.length === 0) return super.lookup(key);
    const value = answers.shift();
    return value && Uint8Array.from(value);
  }

  override delete(key: Uint8Array): boolean {
    const written = super.delete(key);
    return this.#deletes.get(idOf(key))?.shift() ?? written;
  }

  override async scan(visit: EntryVisitor, options?: SliceOptions & { readonly remove?: boolean }): Promise<number> {
    await this.turnstile.pass();
    const recorded = this.#scans.shift();
    if (recorded === undefined) return super.scan(visit, options);
    if (recorded instanceof Error) throw recorded;
    return this.visitAll(recorded, visit);
  }
}

function queueOf<T>(queues: Map<string, T[]>, key: Uint8Array): T[] {
  const id = idOf(key);
  const queue = queues.get(id) ?? [];
  queues.set(id, queue);
  return queue;
}
