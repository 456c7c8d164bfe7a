// SPDX-License-Identifier: MIT
// Server and client in one: `bodies.mjs` listens; lines on stdin are requests to make of it, as JSON: what to send, what to get,
// and how. Answers are told on stdout when they have come, with the ports of the connection.
import { Agent, createServer, request } from "node:http";
import { createInterface } from "node:readline";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const server = createServer((asked, response) => {
  asked.on("data", () => {});
  asked.on("end", () => {
    const body = Buffer.alloc(Number(asked.headers["x-answer"]), "a");
    if (asked.headers["x-length"] === "known") response.setHeader("content-length", body.length);
    // Without a length it goes out in chunks: of 64 KiB, so that none of them is known from the others.
    for (let at = 0; at < body.length; at += 65_536) response.write(body.subarray(at, at + 65_536));
    response.end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

const { port } = await new Promise((resolve) => server.on("listening", () => resolve(server.address())));
for await (const line of createInterface({ input: process.stdin })) {
  const { path, send, answer, isKnown } = JSON.parse(line);
  await new Promise((resolve) => {
    const headers = { "x-answer": answer, "x-length": isKnown ? "known" : "", "content-length": send };
    const asked = request({ host: "127.0.0.1", port, path, method: "POST", agent, headers }, (response) => {
      let bytes = 0;
      response.on("data", (data) => (bytes += data.length));
      response.on("end", () => {
        console.log(bytes);
        resolve();
      });
    });
    asked.end(Buffer.alloc(send, "q"));
  });
}
process.exit();
