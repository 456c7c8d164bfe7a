// SPDX-License-Identifier: MIT
// Server and client in one. `many.mjs http COUNT CONNECTIONS`: so many requests; `many.mjs noise BYTES`: bytes that are no protocol.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import net from "node:net";

const [what, count, connections] = process.argv.slice(2);
console.log("ready");
await once(process.stdin, "data");

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

if (what === "http") {
  const server = createServer((_, response) => response.end("hello"));
  server.keepAliveTimeout = 60_000;
  const port = await listen(server);
  const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
  const ask = (id) =>
    new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path: `/${id}`, agent }, (response) => {
        response.on("data", () => {});
        response.on("end", resolve);
      });
      asked.on("error", reject).end();
    });
  let next = 0;
  const worker = async () => {
    while (next < Number(count)) await ask(next++);
  };
  await Promise.all(Array.from({ length: Number(connections) }, worker));
} else {
  const server = net.createServer((socket) => socket.on("data", () => {}).on("end", () => socket.end()));
  const socket = net.connect(await listen(server), "127.0.0.1");
  const piece = randomBytes(1024 * 1024);
  // No line of text, and no beginning of anything that is known.
  piece[0] = 0xff;
  for (let sent = 0; sent < Number(count); sent += piece.length) {
    if (!socket.write(piece)) await once(socket, "drain");
  }
  socket.end();
  await once(socket, "close");
}
console.log("done");
process.exit();
