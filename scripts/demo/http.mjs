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

/** @returns the server; @param sockets those that are open */
export function shopServer(truth, family, sockets) {
  const meters = new WeakMap();
  const server = createServer((asked, answer) => {
    const path = asked.url.replace(/\?.*/, "");
    const visit = visits.find((one) => one.path === path && one.method === asked.method);
    asked.resume().on("end", () => answer.writeHead(visit.status).end(visit.answer));
    const { socket } = asked;
    answer.on("finish", () => count(truth.http(family, "incoming", visit), meters.get(socket)()));
  });
  server.on("connection", (socket) => {
    meters.set(socket, meter(socket));
    sockets.add(socket);
    truth.follow(socket, family, "incoming");
    socket.on("close", () => sockets.delete(socket));
  });
  return server;
}

/** A customer with one connection that is kept. */
export class Customer {
  #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #meter;
  #socket;
  #next = 0;

  constructor(truth, { family, host, port }) {
    Object.assign(this, { truth, family, host, port });
  }

  async visit() {
    const visit = visits[this.#next++ % visits.length];
    const { method, path, query = "", body } = visit;
    const asking = request({ agent: this.#agent, host: this.host, port: this.port, method, path: path + query });
    asking.on("socket", (socket) => this.#know(socket));
    asking.end(body);
    const [answer] = await once(asking, "response");
    answer.resume();
    await once(answer, "end");
    count(this.truth.http(this.family, "outgoing", visit), this.#meter());
  }

  async leave() {
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
