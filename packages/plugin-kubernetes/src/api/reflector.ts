// SPDX-License-Identifier: MIT

import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { Backoff } from "@skep/core";
import { ApiError } from "./api-error.js";
import type { ApiServer } from "./api-server.js";
import { explain } from "./explain.js";
import { get } from "./get.js";
import { ListSplitter } from "./list-splitter.js";
import type { ApiObject } from "./objects.js";
import { accept, keyOf, type Resource, type Sink } from "./resource.js";
import { watchEvents, type WatchEvent } from "./watch-events.js";

/** Any version the server's cache has: the cheapest list for a cluster whose every node asks. */
const ANY_VERSION = "0";
/** The newest version, whatever it costs. */
const NEWEST_VERSION = "";

/** What a reflector tells besides the objects. */
export interface ReflectorEvents {
  /** Why what is known may be out of date; undefined: it is current again. */
  trouble(reason: string | undefined): void;
  /** An object was taken over, or could not be understood. */
  object(understood: boolean): void;
}

/** Times in milliseconds. */
export interface ReflectorTimes {
  /** Longest wait for the head of an answer. */
  readonly answerMs: number;
  /** Longest silence in a list. */
  readonly idleMs: number;
  /** The server is asked to end a watch after this, so that one whose connection died in silence is not believed for ever. */
  readonly watchMs: number;
  /** Waits between attempts double from the first to the last. */
  readonly retryMs: readonly [first: number, last: number];
}

export const defaultTimes: ReflectorTimes = {
  answerMs: 30_000,
  idleMs: 30_000,
  watchMs: 300_000,
  retryMs: [500, 30_000],
};

/** The event loop waits no longer than this for a list to be taken in; meanwhile the socket fills, and the server waits too. */
const SLICE_MS = 5;
/** A server that ends its watches on time is this much late at most. */
const LATE_MS = 15_000;

/**
 * Keeps a sink equal to what the API server has of a resource: lists it, then watches its changes, and goes on where it was
 * after any break. Only when the server has forgotten that place (410 Gone) everything is listed again, and the sink keeps what
 * it knows meanwhile. (client-go calls this a reflector.)
 */
export class Reflector<T extends ApiObject = ApiObject> {
  /** Resolves when the first list has arrived or the first attempt has failed. */
  readonly attempted: Promise<void>;
  #attempt!: () => void;
  /** Up to here every change is known; undefined before the first list. */
  #version: string | undefined;
  #mustList = true;
  /** The server could not list at `#version`. */
  #mustListNewest = false;
  /** Watches that broke in a row without an event. */
  #breaks = 0;
  readonly #backoff: Backoff;

  constructor(
    private readonly server: ApiServer,
    private readonly resource: Resource,
    private readonly sink: Sink<T>,
    private readonly events: ReflectorEvents,
    private readonly times: ReflectorTimes = defaultTimes,
  ) {
    const [initialMs, maxMs] = times.retryMs;
    this.#backoff = new Backoff({ initialMs, maxMs });
    this.attempted = new Promise((resolve) => (this.#attempt = resolve));
  }

  /** Runs until `signal` is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.#list(signal);
        this.#attempt();
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof ApiError && error.isGone) this.#mustList = true;
        else this.events.trouble(explain(error));
        this.#attempt();
      }
      await wait(this.#backoff.next(), undefined, { signal }).catch(() => {});
    }
    this.#attempt();
  }

  async #list(signal: AbortSignal): Promise<void> {
    const resourceVersion = this.#mustListNewest ? NEWEST_VERSION : (this.#version ?? ANY_VERSION);
    const listed = new Set<string>();
    try {
      let page: string | undefined;
      do {
        // A server may send a part, though it was asked for all.
        const query = page === undefined ? { resourceVersion } : { continue: page };
        const { metadata } = await this.#page(query, signal, (object) => listed.add(this.#put(object)));
        this.#version = metadata?.resourceVersion ?? "";
        page = metadata?.continue;
      } while (page);
    } catch (error) {
      // Too old, or, after a restore from a backup, too new.
      if (error instanceof ApiError && (error.isGone || error.code === 504)) this.#mustListNewest = true;
      throw error;
    }
    for (const key of [...this.sink.keys()]) if (!listed.has(key)) this.sink.remove(key);
    this.#mustList = this.#mustListNewest = false;
  }

  async #page(query: Record<string, string>, signal: AbortSignal, visit: (object: T) => void) {
    const splitter = new ListSplitter((json) => visit(JSON.parse(json) as T));
    const answer = await this.#get("list", query, signal, this.times.idleMs);
    let until = performance.now() + SLICE_MS;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      splitter.push(chunk);
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + SLICE_MS;
    }
    return splitter.end();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { watchMs, retryMs } = this.times;
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? ANY_VERSION,
      timeoutSeconds: String(Math.ceil(watchMs / 1000)),
    };
    const answer = await this.#get("watch", query, signal, watchMs + LATE_MS);
    this.events.trouble(undefined);
    const began = performance.now();
    try {
      for await (const event of watchEvents(answer as AsyncIterable<Buffer>)) {
        this.#apply(event);
        this.#progressed();
      }
    } catch (error) {
      // Connections break: that is trouble only when the next one does no better.
      if (error instanceof ApiError || this.#breaks++ > 0) throw error;
    }
    // A quiet watch that lasted is a success too; one that is ended at once is not.
    if (performance.now() - began >= retryMs[1]) this.#progressed();
  }

  #progressed(): void {
    this.#backoff.reset();
    this.#breaks = 0;
  }

  #apply({ type, object }: WatchEvent): void {
    switch (type) {
      case "ADDED":
      case "MODIFIED":
        this.#put(object as T);
        break;
      case "DELETED":
        this.sink.remove(keyOf(object.metadata ?? {}));
        break;
      case "BOOKMARK":
        break;
      case "ERROR":
        throw new ApiError(object.code ?? 500, object.message ?? "the watch failed");
      default:
        throw new TypeError(`the answer to a watch is no event: ${String(type)}`);
    }
    this.#version = object.metadata?.resourceVersion ?? this.#version;
  }

  /** Returns the object's key. One that cannot be understood is left out: the others are worth more than an error. */
  #put(object: T): string {
    const key = keyOf(object.metadata ?? {});
    try {
      this.sink.put(key, object);
      this.events.object(true);
    } catch {
      this.events.object(false);
    }
    return key;
  }

  #get(kind: "list" | "watch", query: Record<string, string>, signal: AbortSignal, idleMs: number) {
    const path = `${this.resource.path}?${new URLSearchParams(query).toString()}`;
    return get(this.server, path, {
      accept: accept(this.resource, kind),
      signal,
      answerMs: this.times.answerMs,
      idleMs,
    });
  }
}
