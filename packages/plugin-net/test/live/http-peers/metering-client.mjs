// SPDX-License-Identifier: MIT
// Asks a server in the clear: `node metering-client.mjs PORT REQUESTS CONNECTIONS`. When it has all answers it prints what it asked
// for and got, with what its sockets moved meanwhile: { "GET /path 200": { count, request, response } }.
import { once } from "node:events";
import { Agent, request } from "node:http";

const [port, requests, connections] = process.argv.slice(2).map(Number);
const got = {};
const kinds = [
  ["GET", "/a?x=1"],
  ["GET", "/status/404?y"],
  ["POST", "/post"],
  ["HEAD", "/head?size=40"],
  ["GET", "/large?size=60000"],
];

async function work(first) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let [written, read] = [0, 0];
  for (let index = first; index < requests; index += connections) {
    const [method, path] = kinds[index % kinds.length];
    const asked = request({ port, host: "127.0.0.1", method, path, agent });
    asked.end(method === "POST" ? "z".repeat(3000) : undefined);
    const [response] = await once(asked, "response");
    response.resume();
    await once(response, "end");
    const row = (got[`${method} ${path.split("?")[0]} ${response.statusCode}`] ??= {
      count: 0,
      request: 0,
      response: 0,
    });
    row.count++;
    row.request += asked.socket.bytesWritten - written;
    row.response += asked.socket.bytesRead - read;
    [written, read] = [asked.socket.bytesWritten, asked.socket.bytesRead];
  }
  agent.destroy();
}

await Promise.all(Array.from({ length: connections }, (_, index) => work(index)));
console.log(JSON.stringify(got));
