// SPDX-License-Identifier: MIT
// Answers on TCP, UDP and HTTP over IPv4 and IPv6, and DNS where port 53 can be had; or, `server.mjs HOST PORT`, on HTTP there
// alone. A plain request's first four bytes say how long the answer is to be.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { answer, rcodeOf } from "./dns.mjs";
import { shopServer } from "./http.mjs";
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

/** A socket that answers each message with what `answerTo` makes of it. */
function answering(type, family, answerTo) {
  const socket = createSocket(type);
  const row = truth.of("udp", family, "incoming");
  socket.on("message", (request, from) => {
    row.counters.bytes_read += request.length;
    socket.send(answerTo(request), from.port, from.address, (error, sent) => {
      if (!error) row.counters.bytes_written += sent;
    });
  });
  return socket;
}

async function serveUdp({ family, host }) {
  const type = family === "IPv4" ? "udp4" : "udp6";
  const socket = answering(type, family, (request) => Buffer.alloc(request.readUInt32LE(0)));
  socket.bind(0, host);
  await once(socket, "listening");
  return { transport: "udp", family, host, port: socket.address().port };
}

/** Loopback has many addresses: on this one hardly anybody serves. */
const resolver = { transport: "dns", family: "IPv4", host: "127.53.53.53", port: 53 };

async function serveDns() {
  const socket = answering("udp4", "IPv4", (asked) => {
    const message = answer(asked);
    truth.dns("IPv4", "incoming", rcodeOf(message)).counters.count++;
    return message;
  });
  socket.bind(resolver.port, resolver.host);
  const works = await once(socket, "listening").then(
    () => true,
    () => false,
  );
  if (works) return [resolver];
  console.error(`demo: port 53 of ${resolver.host} is taken, so there is no DNS to be seen`);
  return [];
}

async function serveHttp({ family, host, port = 0 }) {
  const server = shopServer(truth, family, sockets);
  await once(server.listen(port, host), "listening");
  return { transport: "http", family, host, port: server.address().port };
}

async function serveAll() {
  const served = await Promise.all([serveTcp, serveUdp, serveHttp].flatMap((serve) => addresses.map(serve)));
  return [...served, ...(await serveDns())];
}

const [host, port] = process.argv.slice(2);
const endpoints = host ? [await serveHttp({ family: "IPv4", host, port: Number(port) })] : await serveAll();
process.send({ endpoints });
process.on("message", async () => {
  await Promise.all([...sockets].map((socket) => once(socket, "close")));
  process.send({ rows: truth.rows() }, () => process.exit());
});
