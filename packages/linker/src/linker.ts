// SPDX-License-Identifier: MIT

import { messageOf, type Point, SkepError, type Timer } from "@skep/core";
import { decodePoints, encodePoints } from "@skep/exporter-datakit";
import type { SpanSource } from "./assign.js";
import { Delivery } from "./delivery.js";
import { linkedPoint } from "./link.js";
import { LinkPass } from "./link-pass.js";
import { type LinkerOptions, type LinkerSettings, settingsOf } from "./options.js";
import { packKeys, unpackKeys } from "./packed-keys.js";
import { State } from "./span-columns.js";
import { keysOf, type SpanKeys } from "./span-keys.js";
import { SpanWindow } from "./span-window.js";
import { type LinkerStatus, noCounts } from "./status.js";
import type { ExportBatch } from "./store/store.js";

/** Batches that wait for exporters before linking waits for them too. */
const MAX_PENDING = 64;
/** How long linking may keep the event loop, milliseconds. */
const SLICE_MS = 5;
/** Largest span, bytes. */
const MAX_SPAN = 1024 * 1024;

/** What became of spans that were received. */
export interface Receipt {
  readonly accepted: number;
  readonly duplicate: number;
  /** Not spans, or spans that lack what linking needs, or that are too large. */
  readonly invalid: number;
}

/**
 * Ties spans into traces: receives them from any number of agents, in any order, lets each wait for its neighbours for two
 * windows, gives whole trees their ids and hands them to exporters.
 *
 * Ids are made of what the spans say, not of chance or counters: the same span has the same id in any linker, at any time. With a
 * durable store a span is safe when {@link receive} returns; it leaves the store when every exporter has taken it, so a crash
 * between the two exports it again, with the same ids.
 */
export class Linker {
  readonly #settings: LinkerSettings;
  readonly #window: SpanWindow;
  readonly #source: SpanSource;
  readonly #delivery: Delivery;
  readonly #counts = noCounts();
  readonly #abort = new AbortController();
  readonly #pending: ExportBatch[] = [];
  #nextBatch = 0;
  /** Came after their parent was linked: nothing to wait for. */
  readonly #late: number[] = [];
  /** No span before this sequence number is unlinked. */
  #cursor: number;
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #lastError: string | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  /**
   * Takes up what a durable store holds: those spans wait again, from now.
   * @throws SkepError `SKEP_ERR_CONFIG` or `SKEP_ERR_STORE`
   */
  constructor(options: LinkerOptions) {
    const settings = (this.#settings = settingsOf(options));
    const { store, clock } = settings;
    this.#source = { point: (seq) => decoded(store.span(seq)), link: (seq) => store.link(seq) };
    this.#window = this.#recover();
    this.#cursor = this.#window.oldest;
    this.#delivery = new Delivery({
      exporters: settings.exporters,
      clock,
      attemptMs: settings.exportAttemptMs,
      retry: settings.retry,
      onFailure: (exporter, message, points) => {
        this.#counts.exportFailures++;
        this.#counts.exportRejected += points;
        this.#fail(points > 0 ? "export_rejected" : "export_failed", `${exporter.name}: ${message}`);
      },
    });
    this.#schedule(false);
    this.#pump();
  }

  /**
   * Takes spans. All of them are in the store when it returns.
   * @param encoded the same spans as messages of one point each, where the caller has them (`splitPoints` of @skep/exporter-datakit)
   * @throws SkepError `SKEP_ERR_LINKER_FULL` when there is no room, `SKEP_ERR_STORE` when the store fails; then none was taken and
   * all may be sent again
   */
  receive(points: readonly Point[], encoded?: readonly Uint8Array[]): Receipt {
    if (this.#closed) throw new SkepError("SKEP_ERR_CLOSED", "the linker is closed");
    const fresh: { readonly keys: SpanKeys; readonly bytes: Uint8Array }[] = [];
    const identities = new Set<string>();
    let duplicate = 0;
    let size = 0;
    for (const [index, point] of points.entries()) {
      const keys = keysOf(point);
      if (keys === undefined) continue;
      const identity = keys.identity.toString("latin1");
      if (identities.has(identity) || this.#window.has(keys)) {
        duplicate++;
        continue;
      }
      identities.add(identity);
      const bytes = encoded?.[index] ?? encodePoints([point]);
      if (bytes.length > MAX_SPAN) continue;
      size += bytes.length;
      fresh.push({ keys, bytes });
    }
    this.#makeRoom(fresh.length, size, points.length);
    const { store, clock } = this.#settings;
    this.#guard("append", () =>
      store.append(
        this.#window.next,
        fresh.map(({ keys, bytes }) => ({ keys: packKeys(keys), body: bytes })),
      ),
    );
    const now = clock.now();
    for (const { keys, bytes } of fresh) this.#look(this.#window.add(keys, now, bytes.length));
    const invalid = points.length - fresh.length - duplicate;
    this.#counts.received += points.length;
    this.#counts.accepted += fresh.length;
    this.#counts.duplicate += duplicate;
    this.#counts.invalid += invalid;
    return { accepted: fresh.length, duplicate, invalid };
  }

  status(): LinkerStatus {
    return {
      ...this.#counts,
      held: this.#window.size,
      heldBytes: this.#window.bytes,
      pendingBatches: this.#pending.length,
      lastError: this.#lastError,
    };
  }

  /**
   * Links everything that waits, whether or not its time has come, and resolves when exporters have it.
   * @throws SkepError `SKEP_ERR_STORE`
   */
  async flush(): Promise<void> {
    await this.#pumping;
    while (this.#cursor < this.#window.next && !this.#abort.signal.aborted) {
      this.#link(Infinity);
      await this.#pumping;
      // What is still pending now could not be read from the store, or struck from it.
      if (this.#pending.length > 0) throw new SkepError("SKEP_ERR_STORE", this.#lastError ?? "the linker is closed");
    }
  }

  /**
   * Receives no more. Spans in memory are linked as they are and exported; a durable store keeps those that wait. What is not
   * exported within `deadlineMs` (default 5,000) stays in a durable store, and is lost from another.
   */
  close({ deadlineMs = 5_000 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const { clock, store } = this.#settings;
    const deadline = clock.after(deadlineMs, () => this.#abort.abort(new Error("the deadline has passed")));
    try {
      await (store.durable ? this.#pumping : this.flush());
      await this.#delivery.close(this.#abort.signal);
    } finally {
      deadline.cancel();
      this.#abort.abort(new Error("the linker is closed"));
      await this.#pumping;
      store.close();
    }
  }

  #recover(): SpanWindow {
    const { store, clock, throughNat, log } = this.#settings;
    const now = clock.now();
    let window: SpanWindow | undefined;
    for (const { seq, keys, size, isLinked } of store.recover()) {
      window ??= new SpanWindow(seq, { throughNat });
      const known = unpackKeys(keys);
      if (seq !== window.next || known === undefined) {
        throw new SkepError("SKEP_ERR_STORE", `span ${seq} in the store is not as it was written`);
      }
      window.add(known, now, size);
      if (isLinked) window.set(seq, State.linked | State.settled);
    }
    window ??= new SpanWindow(0, { throughNat });
    for (const batch of store.pending()) {
      for (const seq of batch.spans) window.clear(seq, State.settled);
      this.#pending.push(batch);
      this.#nextBatch = batch.id + 1;
    }
    if (window.size > 0) log.info({ event: "recovered", spans: window.size }, `${window.size} spans wait from before`);
    return window;
  }

  #schedule(soon: boolean): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const { clock, windowMs } = this.#settings;
    const run = () => this.#tick();
    this.#timer = soon ? clock.soon(run) : clock.after(Math.min(1_000, Math.max(20, windowMs / 20)), run);
  }

  #tick(): void {
    const { clock, windowMs } = this.#settings;
    let more = false;
    try {
      more = this.#link(clock.now() - 2 * windowMs);
      this.#forget(clock.now() - 3 * windowMs);
      this.#pump();
    } catch (error) {
      this.#fail("store_failed", messageOf(error));
    }
    this.#schedule(more);
  }

  /** Links what arrived before `until`, for a slice of time; says whether there is more that could be linked now. */
  #link(until: number): boolean {
    const { clock } = this.#settings;
    const window = this.#window;
    const end = clock.now() + SLICE_MS;
    const pass = new LinkPass(window, this.#source, this.#settings);
    for (const seq of this.#late.splice(0)) pass.linkAround(seq);
    let more = false;
    while (this.#cursor < window.next && window.arrivedAt(this.#cursor) <= until) {
      more = clock.now() >= end;
      if (more || this.#pending.length + pass.batches.length >= MAX_PENDING) break;
      pass.linkAround(this.#cursor++);
    }
    if (pass.links.length > 0) this.#keep(pass);
    return more;
  }

  /** Stores what a pass found out, and has it exported. */
  #keep(pass: LinkPass): void {
    const batches = pass.batches.map((spans, index): ExportBatch => ({ id: this.#nextBatch + index, spans }));
    try {
      this.#guard("assign", () => this.#settings.store.assign(pass.links, batches));
    } catch (error) {
      pass.undo();
      this.#cursor = this.#window.oldest;
      throw error;
    }
    this.#nextBatch += batches.length;
    for (const [name, count] of Object.entries(pass.counts)) this.#counts[name as keyof LinkPass["counts"]] += count;
    this.#pending.push(...batches);
    this.#pump();
  }

  /** Looks whether neighbours of a new span were linked without it. */
  #look(seq: number): void {
    const window = this.#window;
    const parent = window.parentOf(seq);
    if (parent >= 0 && window.is(parent, State.linked)) this.#late.push(seq);
    const children: number[] = [];
    window.childrenOf(seq, children);
    for (const child of children) if (window.is(child, State.linked)) this.#counts.parentTooLate++;
  }

  #pump(): void {
    if (this.#pumping !== undefined || this.#pending.length === 0) return;
    this.#pumping = this.#drain().finally(() => {
      this.#pumping = undefined;
    });
  }

  async #drain(): Promise<void> {
    const { store } = this.#settings;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const [batch] = this.#pending;
      if (batch === undefined) return;
      try {
        const points = batch.spans.map((seq) => linkedPoint(this.#source.point(seq), this.#source.link(seq)));
        await this.#delivery.deliver(points, signal);
        this.#guard("taken", () => store.taken(batch.id));
      } catch (error) {
        if (!signal.aborted) this.#fail("store_failed", messageOf(error));
        return;
      }
      for (const seq of batch.spans) this.#window.set(seq, State.settled);
      this.#pending.shift();
      this.#counts.exported += batch.spans.length;
      // Linking may have waited for this.
      if (this.#pending.length === MAX_PENDING / 2) this.#schedule(true);
    }
  }

  /** Forgets what is settled and arrived before `until`, oldest first. */
  #forget(until: number, enough: () => boolean = () => false): void {
    const window = this.#window;
    const before = window.oldest;
    let oldest = before;
    while (oldest < window.next && window.is(oldest, State.settled) && window.arrivedAt(oldest) <= until && !enough()) {
      window.dropOldest();
      oldest = window.oldest;
    }
    if (oldest === before) return;
    this.#cursor = Math.max(this.#cursor, oldest);
    this.#guard("forget", () => this.#settings.store.forget(oldest));
  }

  /** Spans that only linger give way to new ones; those that wait do not. */
  #makeRoom(spans: number, bytes: number, received: number): void {
    const { maxSpans, maxBytes } = this.#settings;
    const window = this.#window;
    const fits = () => window.size + spans <= maxSpans && window.bytes + bytes <= maxBytes;
    if (fits()) return;
    this.#forget(Infinity, fits);
    if (fits()) return;
    this.#counts.received += received;
    this.#counts.refused += received;
    throw new SkepError("SKEP_ERR_LINKER_FULL", `the linker holds ${window.size} spans, ${window.bytes} bytes`, {
      hint: "send them again later; if this lasts, are the exporters taking spans? else raise maxSpans and maxBytes",
    });
  }

  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (cause instanceof SkepError) throw cause;
      throw new SkepError("SKEP_ERR_STORE", `span store, ${what}: ${messageOf(cause)}`, { cause });
    }
  }

  #fail(event: string, message: string): void {
    if (message !== this.#lastError) this.#settings.log.warn({ event }, message);
    this.#lastError = message;
  }
}

const decoded = (span: Uint8Array): Point => decodePoints(span, "tracing")[0]!;
