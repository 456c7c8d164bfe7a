// SPDX-License-Identifier: MIT
// Answers on TCP and UDP over IPv4 and IPv6. A request's first four bytes say how long the answer is to be.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { Truth } from "./truth.mjs";

process.title = "demo-server";
const truth = new Truth();
const sockets = new Set();
const addresses = [
  { family: "IPv4", host: "127.0.0.1" },
  { family: "IPv6", host: "::1" },
];

async function serveTcp({ family, host }) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    truth.follow(socket, family, "incoming");
    socket.on("data", (request) => socket.write(Buffer.alloc(request.readUInt32LE(0))));
    socket.on("end", () => socket.end());
    socket.on("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, host), "listening");
  return { transport: "tcp", family, host, port: server.address().port };
}

async function serveUdp({ family, host }) {
  const socket = createSocket(family === "IPv4" ? "udp4" : "udp6");
  const row = truth.of("udp", family, "incoming");
  socket.on("message", (request, from) => {
    row.bytes_read += request.length;
    socket.send(Buffer.alloc(request.readUInt32LE(0)), from.port, from.address, (error, sent) => {
      if (!error) row.bytes_written += sent;
    });
  });
  socket.bind(0, host);
  await once(socket, "listening");
  return { transport: "udp", family, host, port: socket.address().port };
}

const endpoints = await Promise.all([...addresses.map(serveTcp), ...addresses.map(serveUdp)]);
process.send({ endpoints });
process.on("message", async () => {
  await Promise.all([...sockets].map((socket) => once(socket, "close")));
  process.send({ rows: truth.rows() }, () => process.exit());
});
