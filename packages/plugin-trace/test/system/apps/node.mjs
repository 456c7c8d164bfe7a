// SPDX-License-Identifier: MIT
// A service on one event loop that knows nothing of tracing: it asks the store, and answers when that has. The path of a request
// says where in its call tree it is.
import { Agent, createServer, get } from "node:http";

const agent = new Agent({ keepAlive: true });

createServer((asked, answer) => {
  const asking = { agent, host: process.env.STORE, port: 8080, path: `${asked.url}/store` };
  get(asking, (stored) => {
    stored.resume().on("end", () => answer.writeHead(stored.statusCode).end("done\n"));
  }).on("error", (error) => {
    console.error(error);
    answer.writeHead(502).end();
  });
})
  .listen(8080)
  .on("listening", function () {
    this.keepAliveTimeout = 3_600_000; // whoever keeps a connection is never surprised
  });
