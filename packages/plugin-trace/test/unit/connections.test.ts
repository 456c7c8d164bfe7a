// SPDX-License-Identifier: MIT
// What the kernel is told about connections, by what came of them.
import { type BpfMap, Cursor } from "@skep/core";
import { encode } from "@skep/testkit";
import test from "ava";
import type { Listener } from "../../src/capture/connection.js";
import { Connections, type ConnectionsOptions, type Taken } from "../../src/capture/connections.js";
import { Orders } from "../../src/capture/orders.js";
import { traceChunk, traceMark, traceOpen } from "../../src/codec.gen.js";
import { EventFlag, OrderKind } from "../../src/contract.js";
import { protocolDetector } from "../../src/protocols/index.js";

const cursorOf = (...parts: readonly Uint8Array[]): Cursor => {
  const bytes = Buffer.concat(parts);
  const cursor = new Cursor(new ArrayBuffer((bytes.length + 3) & ~3));
  cursor.bytes.set(bytes);
  cursor.length = bytes.length;
  return cursor;
};

const nobody: Listener = { asked() {}, told() {}, lost() {}, marked() {}, markedUnread() {} };

/** Connections, and the orders that were written: by connection, the latest. */
class Rig {
  readonly orders = new Map<number, readonly [kind: number, readSeq: number, writtenSeq: number]>();
  readonly connections: Connections;
  readonly #next = new Map<string, number>();

  constructor(options: Partial<ConnectionsOptions> = {}) {
    const update = (key: Uint8Array, value: Uint8Array): void => {
      const [id] = new Uint32Array(key.slice().buffer);
      const [kind = 0, readSeq = 0, writtenSeq = 0] = new Uint32Array(value.slice().buffer);
      this.orders.set(id!, [kind, readSeq, writtenSeq]);
    };
    this.connections = new Connections({
      makeDetector: (sink) => protocolDetector(sink, () => true),
      listener: nobody,
      orders: new Orders({ update } as unknown as BpfMap),
      mayTrace: () => true,
      most: 100,
      ...options,
    });
  }

  open(conn: number, timeNs = 1): Taken {
    return this.connections.open(cursorOf(encode(traceOpen, { eventConn: conn, eventTimeNs: timeNs })));
  }

  /** Bytes pass, of which the first are told. */
  pass(conn: number, isWritten: boolean, text: string, length = text.length): Taken {
    const direction = `${conn} ${isWritten}`;
    const seq = this.#next.get(direction) ?? 0;
    this.#next.set(direction, seq + length);
    const flags = isWritten ? EventFlag.WRITTEN : 0;
    const head = { eventConn: conn, eventTimeNs: 2, eventFlags: flags, seq, length, captured: text.length };
    return this.connections.chunk(cursorOf(encode(traceChunk, head), Buffer.from(text, "latin1")));
  }

  async kindOf(conn: number): Promise<number | undefined> {
    await Promise.resolve();
    return this.orders.get(conn)?.[0];
  }
}

const request = "POST /up HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";

test("a connection whose first bytes are of no protocol is to be ignored, and what comes of it still is no loss", async (t) => {
  const rig = new Rig();
  rig.open(1);
  rig.pass(1, false, "\xff\xfe\xfd".repeat(400));
  rig.pass(1, true, "\xff\xfe\xfd".repeat(400));
  t.is(await rig.kindOf(1), OrderKind.MARKS, "who serves it has a request in hand, whatever it is");
  t.is(rig.pass(1, false, "more"), "taken");
  rig.open(2);
  rig.pass(2, true, "\xff\xfe\xfd".repeat(400));
  rig.pass(2, false, "\xff\xfe\xfd".repeat(400));
  t.is(await rig.kindOf(2), OrderKind.IGNORE);
  t.is(rig.pass(2, false, "more"), "taken");
});

test("of a body of known length the kernel is to tell how long it is, up to its end", async (t) => {
  const rig = new Rig();
  rig.open(1);
  rig.pass(1, false, request);
  await Promise.resolve();
  t.deepEqual(rig.orders.get(1), [OrderKind.SKIP, request.length + 100_000, 0]);
  rig.pass(1, false, "", 100_000);
  t.is(await rig.kindOf(1), OrderKind.TELL, "behind it, all is wanted again");
});

test("small requests and responses cost no order", async (t) => {
  const rig = new Rig();
  rig.open(1);
  for (let i = 0; i < 10; i++) {
    rig.pass(1, false, "GET / HTTP/1.1\r\n\r\n");
    rig.pass(1, true, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
  t.is(await rig.kindOf(1), undefined);
});

test("a connection of a process that is not traced is to be ignored as soon as it moves bytes", async (t) => {
  const rig = new Rig({ mayTrace: ({ pid }) => pid !== 7 });
  for (const [conn, tgid] of [
    [1, 7],
    [2, 8],
  ] as const) {
    rig.open(conn);
    rig.connections.mark(cursorOf(encode(traceMark, { eventConn: conn, tgid })));
  }
  t.is(await rig.kindOf(1), OrderKind.IGNORE);
  t.is(await rig.kindOf(2), undefined);
});

test("records of a connection that was never opened are counted once, and it is to be ignored", async (t) => {
  const rig = new Rig();
  t.is(rig.pass(1, false, request), "trace_unknown_connection");
  t.is(rig.pass(1, false, request), "taken");
  t.is(await rig.kindOf(1), OrderKind.IGNORE);
});

test("when there are too many, the one is given up of which nothing was heard for longest", async (t) => {
  const rig = new Rig({ most: 2 });
  t.is(rig.open(1, 20), "taken");
  t.is(rig.open(2, 10), "taken");
  t.is(rig.open(3, 30), "trace_too_many_connections");
  t.is(await rig.kindOf(2), OrderKind.IGNORE);
  t.is(rig.pass(1, false, request), "taken");
  t.is(await rig.kindOf(1), OrderKind.SKIP);
  t.is(rig.pass(3, false, request), "taken");
  t.is(await rig.kindOf(3), OrderKind.SKIP);
});
