// SPDX-License-Identifier: MIT
// HTTP of all kinds between a server and a client in one process, one exchange after the other where that matters.
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";

const server = http.createServer(async (request, response) => {
  for await (const chunk of request) void chunk;
  if (request.url?.startsWith("/chunked")) {
    response.write("first ");
    await new Promise((later) => setTimeout(later, 20));
    return response.end("second");
  }
  response.statusCode = request.url?.startsWith("/missing") ? 404 : 200;
  response.setHeader("content-length", 5);
  response.end("hello");
});
server.on("upgrade", (_request, socket) => {
  socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
});
const http2Server = http2.createServer((request, response) => {
  request.resume();
  response.statusCode = request.url?.startsWith("/missing") ? 404 : 200;
  response.end("hello over HTTP/2");
});
// A server that speaks first would make the recording depend on who was faster.
const http2Front = net.createServer(
  (socket) => void socket.once("readable", () => http2Server.emit("connection", socket)),
);

async function listen(listener) {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener.address().port;
}

const port = await listen(server);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

async function ask(path, { method = "GET", body, headers = {} } = {}) {
  const request = http.request({ port, host: "127.0.0.1", path, method, agent, headers });
  request.end(body);
  const [response] = await once(request, "response");
  for await (const chunk of response) void chunk;
}

for (let number = 0; number < 5; number++) await ask(`/plain?number=${number}`);
await ask("/missing");
await ask("/chunked");
await ask("/head", { method: "HEAD" });
await ask("/upload", { method: "POST", body: "x".repeat(20_000), headers: { "transfer-encoding": "chunked" } });
await ask("/expect", {
  method: "PUT",
  body: "y".repeat(3000),
  headers: { expect: "100-continue", "content-length": 3000 },
});
await ask("/after");
agent.destroy();

/** Says all at once, and waits for the end. */
async function raw(text) {
  const socket = net.connect(port, "127.0.0.1");
  socket.end(text);
  socket.resume();
  await once(socket, "close");
}
const host = "Host: peer.test\r\n";
await raw(
  `GET /pipe/1 HTTP/1.1\r\n${host}\r\nGET /pipe/2 HTTP/1.1\r\n${host}\r\nGET /missing HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
);
await raw(`GET /socket HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
await raw("GET /old HTTP/1.0\r\n\r\n");

const session = http2.connect(`http://127.0.0.1:${await listen(http2Front)}`);
const streams = Array.from({ length: 10 }, (_, number) =>
  session.request({ ":path": number % 2 ? "/missing" : "/h2" }),
);
await Promise.all(streams.map(async (stream) => void (await once(stream.resume(), "close"))));
session.close();
await once(session, "close");
server.close();
http2Front.close();
