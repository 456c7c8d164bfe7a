// SPDX-License-Identifier: MIT
// Says what a script of conversations has both sides say, over real TCP: node peers.mjs SCRIPT HOST PORT
// Prints a JSON line of the client ports, in the order of the conversations, when all is said.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

const [script, host, port] = process.argv.slice(2);
const conversations = JSON.parse(readFileSync(script, "utf8"));
const concurrency = 16;

/** A socket that knows how many bytes have come in. */
function end(socket) {
  const state = { socket, received: 0, waiting: undefined };
  socket.setNoDelay(true);
  socket.on("error", () => {}); // a reset is part of the script
  socket.on("data", (bytes) => {
    state.received += bytes.length;
    state.waiting?.();
  });
  return state;
}

const hasReceived = (state, bytes) =>
  new Promise((resolve) => {
    state.waiting = () => state.received >= bytes && resolve();
    state.waiting();
  });

/** Client port -> the server's end, or who waits for it: either may be first. */
const accepted = new Map();
const server = createServer((socket) => {
  const peer = end(socket);
  const waiting = accepted.get(socket.remotePort);
  if (waiting) waiting(peer);
  else accepted.set(socket.remotePort, peer);
});
server.listen({ host, port: Number(port), backlog: 128 });
await once(server, "listening");

async function converse({ pieces, end: { by, how } }) {
  const socket = connect({ host, port: Number(port) });
  await once(socket, "connect");
  const clientPort = socket.localPort;
  const client = end(socket);
  const peer = await new Promise((resolve) => {
    if (accepted.has(clientPort)) resolve(accepted.get(clientPort));
    else accepted.set(clientPort, resolve);
  });
  const sides = { client, server: peer };
  const sent = { client: 0, server: 0 };
  for (const { from, bytes } of pieces) {
    const other = from === "client" ? "server" : "client";
    sides[from].socket.write(Buffer.from(bytes, "latin1"));
    sent[from] += bytes.length;
    await hasReceived(sides[other], sent[from]);
  }
  const gone = Promise.all(
    [client, peer].map(({ socket: one }) => new Promise((resolve) => one.once("close", resolve))),
  );
  const { socket: closing } = sides[by];
  if (how === "reset") closing.resetAndDestroy();
  else closing.end();
  await gone;
  accepted.delete(clientPort);
  return clientPort;
}

const ports = [];
let next = 0;
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (next < conversations.length) {
      const index = next++;
      ports[index] = await converse(conversations[index]);
    }
  }),
);
server.close();
console.log(JSON.stringify(ports));
