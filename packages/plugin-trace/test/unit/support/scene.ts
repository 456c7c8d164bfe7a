// SPDX-License-Identifier: MIT

import { Cursor } from "@skep/core";
import { Budget, Http1Connection, Side } from "@skep/protocols";
import { encode } from "@skep/testkit";
import { Connection } from "../../../src/capture/connection.js";
import { traceChunk, traceMark, traceOpen } from "../../../src/codec.gen.js";
import { EventFlag } from "../../../src/contract.js";
import type { GoroutineOrigin } from "../../../src/go/goroutines.js";
import { type Attributed, Attribution } from "../../../src/units/attribution.js";

const PID = 100;
const STEP_NS = 1000;

const cursorOf = (...parts: readonly Uint8Array[]): Cursor => {
  const bytes = Buffer.concat(parts);
  const cursor = new Cursor(new ArrayBuffer((bytes.length + 3) & ~3));
  cursor.bytes.set(bytes);
  cursor.length = bytes.length;
  return cursor;
};

/** Who does something: a thread, or a goroutine that runs on thread 1. */
export type Actor = number | { readonly goroutine: number };

/** One end of a connection in a {@link Scene}, as the kernel would tell of it. */
export class SceneConnection {
  readonly #connection: Connection;
  readonly #moved: [read: number, written: number] = [0, 0];
  readonly #passed: [read: number, written: number] = [0, 0];

  constructor(private readonly scene: Scene) {
    const open = cursorOf(encode(traceOpen, { eventTimeNs: scene.step() }));
    const budget = new Budget(1e6);
    this.#connection = new Connection(
      open,
      (sink) => () => ({ side: Side.REQUESTS, decoder: new Http1Connection(sink) }),
      budget,
      scene.attribution,
    );
  }

  /** Bytes pass. */
  pass(isWritten: boolean, text: string): void {
    const bytes = Buffer.from(text, "latin1");
    const index = isWritten ? 1 : 0;
    const head = encode(traceChunk, {
      eventTimeNs: this.scene.step(),
      eventFlags: isWritten ? EventFlag.WRITTEN : 0,
      seq: this.#passed[index],
      length: bytes.length,
      captured: bytes.length,
    });
    this.#passed[index] += bytes.length;
    this.#connection.chunk(cursorOf(head, bytes));
  }

  /** Somebody moves all that has passed. */
  move(isWritten: boolean, actor: Actor): void {
    const index = isWritten ? 1 : 0;
    const from = this.#moved[index];
    this.#moved[index] = this.#passed[index];
    const mark = encode(traceMark, {
      eventTimeNs: this.scene.step(),
      eventFlags: isWritten ? EventFlag.WRITTEN : 0,
      from,
      readTo: this.#moved[0],
      writtenTo: this.#moved[1],
      tgid: PID,
      tid: typeof actor === "number" ? actor : 1,
      goroutine: typeof actor === "number" ? 0 : actor.goroutine,
    });
    this.#connection.mark(cursorOf(mark));
  }
}

/** A process at work, in which nothing happens at the same time. */
export class Scene {
  #nowNs = 1e9;
  readonly settled: Attributed[] = [];
  lost = 0;
  readonly attribution = new Attribution({
    patienceNs: 5e9,
    traceIdOf: ({ tid, goroutine }, { firstNs }) => BigInt(firstNs) * 1_000n + (goroutine || BigInt(tid)),
    settled: (attributed) => void this.settled.push(attributed),
    lost: (calls) => void (this.lost += calls),
    goroutines: {
      isGo: () => this.isGo,
      originOf: (_pid, goroutine) => this.#origins.get(goroutine),
      askerOf: () => undefined,
    },
  });
  /** Of the process. */
  isGo: boolean | undefined = false;
  readonly #origins = new Map<bigint, GoroutineOrigin>();

  step(): number {
    return (this.#nowNs += STEP_NS);
  }

  wait(ns: number): void {
    this.#nowNs += ns;
    this.attribution.tick(this.#nowNs);
  }

  end(): void {
    this.attribution.tick(this.#nowNs, true);
  }

  /** A request comes in on a connection of its own. */
  ask(path: string, actor: Actor): SceneConnection {
    const connection = new SceneConnection(this);
    connection.pass(false, `GET ${path} HTTP/1.1\r\n\r\n`);
    connection.move(false, actor);
    return connection;
  }

  respond(to: SceneConnection, actor: Actor): void {
    to.pass(true, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    to.move(true, actor);
  }

  /** A request goes out on a connection of its own. */
  call(path: string, actor: Actor): SceneConnection {
    const connection = new SceneConnection(this);
    connection.pass(true, `GET ${path} HTTP/1.1\r\n\r\n`);
    connection.move(true, actor);
    return connection;
  }

  answer(call: SceneConnection, actor: Actor): void {
    call.pass(false, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    call.move(false, actor);
  }

  /** One goroutine makes another. */
  goroutine(child: number, parent: number): void {
    this.#origins.set(BigInt(child), { parent: BigInt(parent), createdNs: this.step(), endedNs: Infinity });
  }

  goroutineEnds(goroutine: number): void {
    const origin = this.#origins.get(BigInt(goroutine))!;
    this.#origins.set(BigInt(goroutine), { ...origin, endedNs: this.step() });
  }

  /** Path -> trace id, of requests and of calls; undefined where a call was left alone. */
  traceIds(): ReadonlyMap<string, bigint | undefined> {
    return new Map(this.settled.map(({ call, traceId }) => [pathOf(call), traceId]));
  }
}

const pathOf = (call: object): string => (call as { readonly request: { readonly target: string } }).request.target;
