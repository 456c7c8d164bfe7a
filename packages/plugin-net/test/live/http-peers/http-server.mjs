// SPDX-License-Identifier: MIT
// Serves HTTP/1.1, inside TLS HTTP/2 too, and counts: `node http-server.mjs [CERT KEY]`. Prints its port; at a line on stdin, what
// it served: { "GET /path 200": count }.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createInterface } from "node:readline";

const served = {};

function serve(request, response) {
  const status = Number(/^\/status\/(\d+)/.exec(request.url)?.[1] ?? 200);
  const answer = Buffer.alloc(Number(/size=(\d+)/.exec(request.url)?.[1] ?? 5), "x");
  request.resume().on("end", () => {
    const key = `${request.method} ${request.url.split("?")[0]} ${status}`;
    served[key] = (served[key] ?? 0) + 1;
    response.writeHead(status, { "content-length": answer.length }).end(request.method === "HEAD" ? undefined : answer);
  });
}

const [cert, key] = process.argv.slice(2).map((file) => readFileSync(file));
const server = cert ? createSecureServer({ cert, key, allowHTTP1: true }, serve) : createServer(serve);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
createInterface({ input: process.stdin }).on("line", () => console.log(JSON.stringify(served)));
