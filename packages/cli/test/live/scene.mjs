// SPDX-License-Identifier: MIT
// Something of everything, over loopback: HTTP, DNS, datagrams, and lines typed into a bash of its own (the argument). In a
// network namespace of its own, with the loopback device up: it serves DNS.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const [bash] = process.argv.slice(2);
const shell = spawn(bash, ["--norc", "-i"], { stdio: ["pipe", "ignore", "ignore"] });
const shellEnded = once(shell, "exit");

const dns = createSocket("udp4").bind(53, "127.0.0.1");
dns.on("message", (query, { port, address }) => {
  const answer = Buffer.concat([query, Buffer.from("c00c00010001000000ff0004c0000201", "hex")]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  dns.send(answer, port, address);
});
await once(dns, "listening");

const client = createSocket("udp4");
for (let id = 1; id <= 10; id++) {
  const name = Buffer.from(`\x01${String.fromCharCode(96 + id)}\x04test\0`, "latin1");
  const head = Buffer.from("000001000001000000000000", "hex");
  head.writeUInt16BE(id, 0);
  client.send(Buffer.concat([head, name, Buffer.from("00010001", "hex")]), 53, "127.0.0.1");
  await once(client, "message");
  await pause(50);
}

const server = http.createServer((request, response) => {
  response.statusCode = request.url?.startsWith("/missing") ? 404 : 200;
  response.end("x".repeat(3000));
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
for (let number = 0; number < 40; number++) {
  const path = number % 4 === 0 ? "/missing" : `/page/${number % 3}?number=${number}`;
  const request = http.request({ port: server.address().port, host: "127.0.0.1", path, agent });
  request.end();
  const [response] = await once(request, "response");
  for await (const chunk of response) void chunk;
  await pause(50);
}
agent.destroy();

for (const line of ["echo one", "cd /", "exit"]) {
  shell.stdin.write(`${line}\n`);
  await pause(200);
}
await shellEnded;
server.close();
client.close();
dns.close();
