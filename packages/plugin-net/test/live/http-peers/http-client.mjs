// SPDX-License-Identifier: MIT
// Asks a server in TLS: `node http-client.mjs PORT REQUESTS CONNECTIONS [h2]`, beginning at a line on stdin. Prints `ready`, and
// when it has all answers what it asked for and got: { "GET /path 200": count }. REQUESTS may be several numbers with commas
// between: then it begins again at the next line, on the same connections.
import { once } from "node:events";
import { connect } from "node:http2";
import { Agent, request } from "node:https";

const port = Number(process.argv[2]);
const rounds = process.argv[3].split(",").map(Number);
const connections = Number(process.argv[4]);
const isHttp2 = process.argv[5] === "h2";
let got = {};
const kinds = [
  ["GET", "/a?x=1"],
  ["GET", "/status/404?y"],
  ["POST", "/post"],
  ["HEAD", "/head?size=40"],
  ["GET", "/large?size=60000"],
];

const answered = (method, path, status) => {
  const key = `${method} ${path.split("?")[0]} ${status}`;
  got[key] = (got[key] ?? 0) + 1;
};

async function overHttp1(agent, method, path) {
  const options = { port, host: "127.0.0.1", method, path, agent, rejectUnauthorized: false };
  const asked = request(options).end(method === "POST" ? "z".repeat(3000) : undefined);
  const [response] = await once(asked, "response");
  response.resume();
  await once(response, "end");
  answered(method, path, response.statusCode);
}

async function overHttp2(session, method, path) {
  const stream = session.request({ ":method": method, ":path": path });
  stream.end(method === "POST" ? "z".repeat(3000) : undefined);
  const [headers] = await once(stream, "response");
  stream.resume();
  await once(stream, "close");
  answered(method, path, headers[":status"]);
}

const workers = Array.from({ length: connections }, () => ({ agent: new Agent({ keepAlive: true, maxSockets: 1 }) }));

async function work(worker, first, requests) {
  if (isHttp2) worker.session ??= connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  for (let index = first; index < requests; index += connections) {
    const [method, path] = kinds[index % kinds.length];
    await (isHttp2 ? overHttp2(worker.session, method, path) : overHttp1(worker.agent, method, path));
  }
}

console.log("ready");
for (const requests of rounds) {
  await once(process.stdin, "data");
  await Promise.all(workers.map((worker, index) => work(worker, index, requests)));
  console.log(JSON.stringify(got));
  got = {};
}
for (const { session, agent } of workers) {
  session?.close();
  agent.destroy();
}
process.stdin.destroy();
