// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ApiObject } from "../../src/api/objects.js";

const file = (path: string): URL => new URL(path, import.meta.url);

/** The CA the stand-in's certificate comes from, and one it does not. Their keys were thrown away. */
export const caFile = fileURLToPath(file("certificates/ca.crt"));
export const strangerCaFile = fileURLToPath(file("certificates/stranger.crt"));

interface Change {
  readonly version: number;
  readonly line: string;
  /** The same with `metadata` only. */
  readonly partialLine: string;
}

interface Watch {
  readonly response: ServerResponse;
  readonly partial: boolean;
}

interface Collection {
  kind: string;
  readonly objects: Map<string, ApiObject>;
  readonly history: Change[];
  readonly watches: Set<Watch>;
  /** Changes up to here are forgotten. */
  compacted: number;
}

export interface SeenRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  readonly accept: string | undefined;
}

/** `namespace/name`. */
const keyOf = ({ metadata }: ApiObject): string => `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;

const partialOf = ({ metadata }: ApiObject): ApiObject & { kind: string; apiVersion: string } => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  ...(metadata && { metadata }),
});

const atVersion = (object: ApiObject, version: number): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) },
});

const status = (code: number, message: string): string =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code });

/**
 * Stands in for an API server: lists, watches with history and bookmarks, bearer tokens, TLS, and every way in which these go
 * wrong that a test asks for. Its words are those that a real one (1.34) was heard to say.
 */
export class ApiStandIn {
  /** Tokens that are let in; empty: everybody is. */
  readonly tokens = new Set<string>();
  readonly requests: SeenRequest[] = [];
  /** Before each answer, milliseconds. */
  delayMs = 0;
  /** Lists come in parts of so many objects. */
  pageSize = Infinity;
  /** So much of a list is sent before the connection breaks. */
  breakListAfter = Infinity;
  /** Lists begin and go no further. */
  stallLists = false;
  /** Watches end as soon as they have told what is new. */
  endWatchesAtOnce = false;
  /** Answers by path, instead of what is asked for. */
  readonly refusals = new Map<string, { readonly code: number; readonly message: string }>();
  /** True: what is too old is told by the status of the answer and not by an event. */
  goneByStatus = false;
  #version = 1;
  readonly #collections = new Map<string, Collection>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(private readonly scheme: "http" | "https" = "http") {
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server =
      scheme === "http"
        ? createHttpServer(serve)
        : createHttpsServer(
            { key: readFileSync(file("certificates/server.key")), cert: readFileSync(file("certificates/server.crt")) },
            serve,
          );
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    });
  }

  /** A running stand-in that ends with the test. */
  static async start(t: { teardown(end: () => unknown): void }, scheme?: "http" | "https"): Promise<ApiStandIn> {
    const standIn = new ApiStandIn(scheme);
    t.teardown(() => standIn.stop());
    await standIn.listen();
    return standIn;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.#port}`;
  }

  get version(): number {
    return this.#version;
  }

  /** After {@link stop}: at the same port. */
  listen(port = this.#port): Promise<void> {
    return new Promise((resolve) =>
      this.#server.listen(port, "127.0.0.1", () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      }),
    );
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }

  /** Every connection breaks. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Half an event, then the connection breaks. */
  breakInsideEvent(path: string): void {
    for (const { response } of this.#collection(path).watches) {
      response.write('{"type":"ADDED","object":{"metadata":{"na', () => response.destroy());
    }
  }

  /** Watches end in order, as they do when their time is over. */
  endWatches(path: string): void {
    for (const { response } of this.#collection(path).watches) response.end();
  }

  watchesOf(path: string): number {
    return this.#collection(path).watches.size;
  }

  /** Takes over a list recorded from a real server. */
  load(path: string, name: string): void {
    const list = JSON.parse(readFileSync(file(`../recorded/${name}.json`), "utf8")) as {
      kind: string;
      metadata: { resourceVersion: string };
      items: ApiObject[];
    };
    const collection = this.#collection(path);
    collection.kind = list.kind;
    for (const object of list.items) collection.objects.set(keyOf(object), object);
    this.#version = Math.max(this.#version, Number(list.metadata.resourceVersion));
  }

  /** An object is created or changed. */
  put(path: string, object: ApiObject): void {
    const { objects } = this.#collection(path);
    const stored = atVersion(object, ++this.#version);
    this.#tell(path, objects.has(keyOf(object)) ? "MODIFIED" : "ADDED", stored);
    objects.set(keyOf(object), stored);
  }

  delete(path: string, key: string): void {
    const { objects } = this.#collection(path);
    this.#tell(path, "DELETED", atVersion(objects.get(key)!, ++this.#version));
    objects.delete(key);
  }

  /** Says which version all watches are at, as a real one does once a minute. */
  bookmark(path: string): void {
    this.#tell(path, "BOOKMARK", { metadata: { resourceVersion: String(this.#version) } });
  }

  /** An event as it was recorded. */
  replay(path: string, line: string): void {
    const { type, object } = JSON.parse(line) as { type: string; object: ApiObject };
    const { objects } = this.#collection(path);
    this.#version = Math.max(this.#version, Number(object.metadata?.resourceVersion));
    if (type === "DELETED") objects.delete(keyOf(object));
    else if (type !== "BOOKMARK") objects.set(keyOf(object), object);
    this.#tell(path, type, object);
  }

  /** Any line on every watch. */
  say(path: string, line: string): void {
    for (const { response } of this.#collection(path).watches) response.write(`${line}\n`);
  }

  /** Forgets all changes: who wants to go on from before now is told 410 Gone. */
  compact(path: string): void {
    const collection = this.#collection(path);
    collection.compacted = ++this.#version;
    collection.history.length = 0;
  }

  #collection(path: string): Collection {
    let collection = this.#collections.get(path);
    if (collection === undefined) {
      collection = { kind: "List", objects: new Map(), history: [], watches: new Set(), compacted: 0 };
      this.#collections.set(path, collection);
    }
    return collection;
  }

  #tell(path: string, type: string, object: ApiObject): void {
    const { history, watches } = this.#collection(path);
    const line = `${JSON.stringify({ type, object })}\n`;
    const partialLine = `${JSON.stringify({ type, object: partialOf(object) })}\n`;
    const version = Number(object.metadata?.resourceVersion);
    if (type !== "BOOKMARK") history.push({ version, line, partialLine });
    for (const { response, partial } of watches) response.write(partial ? partialLine : line);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, "http://stand-in");
    const query = Object.fromEntries(url.searchParams);
    const { authorization, accept } = request.headers;
    this.requests.push({ path: url.pathname, query, authorization, accept });
    if (this.delayMs > 0) await wait(this.delayMs, undefined, { ref: false });
    const refuse = (code: number, message: string) =>
      void response.writeHead(code, { "content-type": "application/json" }).end(status(code, message));
    const refusal = this.refusals.get(url.pathname);
    if (this.tokens.size > 0 && !this.tokens.has(authorization?.replace(/^Bearer /, "") ?? "")) {
      return refuse(401, "Unauthorized");
    }
    if (refusal !== undefined) return refuse(refusal.code, refusal.message);
    const partial = accept?.includes("as=PartialObjectMetadata") ?? false;
    const version = Number(query["resourceVersion"] ?? 0);
    if (query["watch"] === "1" || query["watch"] === "true")
      this.#watch(url.pathname, { response, partial }, version, refuse);
    else if (version > this.#version) refuse(504, `Timeout: Too large resource version: ${version}`);
    else this.#list(url.pathname, response, Number(query["continue"] ?? 0), partial);
  }

  #list(path: string, response: ServerResponse, from: number, partial: boolean): void {
    const { kind, objects } = this.#collection(path);
    const all = [...objects.values()].map((object) => (partial ? partialOf(object) : object));
    const next = from + this.pageSize;
    const metadata = {
      resourceVersion: String(this.#version),
      ...(next < all.length && { continue: String(next), remainingItemCount: all.length - next }),
    };
    const items = all.slice(from, next);
    const body = JSON.stringify({ kind: partial ? "PartialObjectMetadataList" : kind, metadata, items });
    response.writeHead(200, { "content-type": "application/json" });
    if (this.stallLists) response.write(body.slice(0, 10));
    else if (body.length <= this.breakListAfter) response.end(body);
    else response.write(body.slice(0, this.breakListAfter), () => response.destroy());
  }

  #watch(path: string, watch: Watch, version: number, refuse: (code: number, message: string) => void): void {
    const { history, watches, compacted } = this.#collection(path);
    const { response, partial } = watch;
    const isTooOld = version < compacted;
    const tooOld = `too old resource version: ${version} (${this.#version})`;
    if (isTooOld && this.goneByStatus) return refuse(410, tooOld);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (isTooOld) return void response.end(`{"type":"ERROR","object":${status(410, tooOld)}}\n`);
    for (const { version: at, line, partialLine } of history)
      if (at > version) response.write(partial ? partialLine : line);
    if (this.endWatchesAtOnce) return void response.end();
    watches.add(watch);
    response.on("close", () => watches.delete(watch));
  }
}
