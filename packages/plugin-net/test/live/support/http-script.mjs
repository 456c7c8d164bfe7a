// SPDX-License-Identifier: MIT
// Both ends of a TCP connection doing what a script says, one step after the other; the next begins when the other end has
// read everything. One script (JSON) a line on stdin, one line of JSON on stdout when it is done:
//   { "host": "127.0.0.1", "steps": [["client", "bytes", size of each write], ["server", ...], ["client", "end" | "reset"]] }
// Bytes are latin1. Sizes: 0 or absent is one write. A script named with "keep" leaves its connection open; a later one
// with the same "keep" goes on with it.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};
const counted = (socket) => {
  Object.assign(socket, { got: 0, gone: 0 });
  socket.setNoDelay(true);
  socket.on("data", (bytes) => (socket.got += bytes.length));
  socket.on("error", () => {});
  return socket;
};

const listeners = new Map();
async function listenerOn(host) {
  if (!listeners.has(host)) {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, host);
    await once(server, "listening");
    listeners.set(host, server);
  }
  return listeners.get(host);
}

async function open(host) {
  const server = await listenerOn(host);
  const accepted = once(server, "connection");
  // A v4 address asked of a v6 listener makes v4-mapped ones.
  const client = counted(
    connect({ port: server.address().port, host: host === "::" ? "127.0.0.1" : host, allowHalfOpen: true }),
  );
  await once(client, "connect");
  const [peer] = await accepted;
  return { client, server: counted(peer) };
}

async function write(from, to, bytes, size) {
  for (let at = 0; at < bytes.length; at += size || bytes.length) {
    const piece = bytes.subarray(at, at + (size || bytes.length));
    await new Promise((resolve) => from.write(piece, resolve));
    from.gone += piece.length;
    // Pieces that are read one by one are sent one by one.
    if (size) await until(() => to.got >= from.gone || to.destroyed);
  }
  await until(() => to.got >= from.gone || to.destroyed);
}

const kept = new Map();
async function run({ host = "127.0.0.1", steps, keep }) {
  const ends = kept.get(keep) ?? (await open(host));
  if (keep) kept.set(keep, ends);
  const ports = { clientPort: ends.client.localPort, serverPort: ends.client.remotePort };
  for (const [side, what, size] of steps) {
    const from = ends[side];
    const to = ends[side === "client" ? "server" : "client"];
    if (what === "end") {
      from.end();
      await until(() => to.readableEnded || to.destroyed);
    } else if (what === "reset") {
      from.resetAndDestroy();
      await until(() => to.destroyed);
    } else await write(from, to, Buffer.from(what, "latin1"), size);
  }
  if (keep && !steps.some(([, what]) => what === "end" || what === "reset")) return ports;
  for (const end of Object.values(ends)) end.end();
  await until(() => ends.client.closed && ends.server.closed);
  return ports;
}

console.log(JSON.stringify({ pid: process.pid }));
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await run(JSON.parse(line))));
process.exit(0);
