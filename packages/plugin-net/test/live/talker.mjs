// SPDX-License-Identifier: MIT
// A TCP server and client in one process that does what it is told, one command a line on stdin:
//   open N       opens N connections, server and client
//   send BYTES   each client sends BYTES, each server reply is as long
//   shutdown     each client ends its direction
//   close        closes both ends
// and answers each with a line of JSON when it is done, both ends having read everything.
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

const server = createServer({ allowHalfOpen: true });
const accepted = [];
const clients = [];
server.on("connection", (socket) => accepted.push(Object.assign(socket, { got: 0 })));
server.listen(0, "127.0.0.1");
await once(server, "listening");

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const count = (socket) => {
  socket.got = 0;
  socket.on("data", (chunk) => (socket.got += chunk.length));
  socket.on("error", () => {});
  return socket;
};

const commands = {
  async open(n) {
    for (let i = 0; i < n; i++) {
      const client = count(createConnection({ port: server.address().port, host: "127.0.0.1", allowHalfOpen: true }));
      await once(client, "connect");
      clients.push(client);
    }
    await until(() => accepted.length === clients.length);
    for (const socket of accepted) if (!socket.listenerCount("data")) count(socket);
    return { port: server.address().port };
  },
  async send(bytes) {
    for (const socket of [...clients, ...accepted]) socket.got = 0;
    for (const socket of [...clients, ...accepted]) socket.write(Buffer.alloc(bytes, 120));
    await until(() => [...clients, ...accepted].every((socket) => socket.got === bytes));
    return { sent: bytes * clients.length };
  },
  async shutdown() {
    for (const client of clients) client.end();
    await until(() => accepted.every((socket) => socket.readableEnded));
    return {};
  },
  async close() {
    for (const socket of [...clients, ...accepted]) socket.end();
    await until(() => [...clients, ...accepted].every((socket) => socket.closed || socket.destroyed));
    return {};
  },
};

console.log(JSON.stringify({ pid: process.pid }));
for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = line.trim().split(" ");
  console.log(JSON.stringify(await commands[name](Number(argument))));
}
process.exit(0);
