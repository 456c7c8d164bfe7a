// SPDX-License-Identifier: MIT
// A web shop in two processes' worth of functions, counted from the sockets' own byte counts on either side.
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";

/** What the client asks for in turn, and how it is answered. */
const visits = [
  { method: "GET", path: "/shop/items", query: "?page=2", status: 200, answer: "[]".repeat(300) },
  { method: "POST", path: "/shop/cart", body: '{"item":7}', status: 201, answer: '{"id":1}' },
  { method: "GET", path: "/shop/nothing", status: 404, answer: "no" },
];

/** Bytes that a socket moved since it was asked last. */
function meter(socket) {
  let [read, written] = [0, 0];
  return () => {
    const moved = { read: socket.bytesRead - read, written: socket.bytesWritten - written };
    [read, written] = [socket.bytesRead, socket.bytesWritten];
    return moved;
  };
}

function count(row, moved) {
  row.counters.count++;
  row.counters.bytes_read += moved.read;
  row.counters.bytes_written += moved.written;
}

/**
 * A server that counts what it is asked for. @param sockets those that are open
 * @param {(asked: { method: string, path: string }) => Promise<{ status: number, answer: string }>} respond
 */
export function countingServer(truth, family, sockets, respond) {
  const meters = new WeakMap();
  const server = createServer(async (asked, answer) => {
    const { method, socket } = asked;
    const path = asked.url.replace(/\?.*/, "");
    asked.resume();
    await once(asked, "end");
    const { status, answer: body } = await respond({ method, path });
    answer.on("finish", () => count(truth.http(family, "incoming", { method, path, status }), meters.get(socket)()));
    answer.writeHead(status).end(body);
  });
  server.on("connection", (socket) => {
    meters.set(socket, meter(socket));
    sockets.add(socket);
    truth.follow(socket, family, "incoming");
    socket.on("close", () => sockets.delete(socket));
  });
  return server;
}

export const shopServer = (truth, family, sockets) =>
  countingServer(truth, family, sockets, async (asked) =>
    visits.find(({ method, path }) => path === asked.path && method === asked.method),
  );

/** Somebody with one connection that is kept, who counts what is asked on it. */
export class CountingClient {
  #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #meter;
  #socket;

  constructor(truth, { family, host, port }) {
    Object.assign(this, { truth, family, host, port });
  }

  /** @returns the status */
  async ask({ method, path, query = "", body }) {
    const asking = request({ agent: this.#agent, host: this.host, port: this.port, method, path: path + query });
    asking.on("socket", (socket) => this.#know(socket));
    asking.end(body);
    const [answer] = await once(asking, "response");
    answer.resume();
    await once(answer, "end");
    const { statusCode: status } = answer;
    count(this.truth.http(this.family, "outgoing", { method, path, status }), this.#meter());
    return status;
  }

  async leave() {
    if (this.#socket === undefined) return;
    const closed = once(this.#socket, "close");
    this.#agent.destroy();
    await closed;
  }

  #know(socket) {
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#meter = meter(socket);
    socket.once("connect", () => this.truth.follow(socket, this.family, "outgoing"));
  }
}

/** A customer, who visits one page after another. */
export class Customer extends CountingClient {
  #next = 0;

  visit() {
    return this.ask(visits[this.#next++ % visits.length]);
  }
}
