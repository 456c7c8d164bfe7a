// SPDX-License-Identifier: MIT
// HTTP servers, each in a thread with an event loop of its own. `workers.mjs COUNT` answer; `workers.mjs COUNT PORT...` ask the
// one at the port of the same number first: /r/7 is answered with the help of /b/7. The ports are told on stdout.
import { Agent, createServer, request } from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const upstreamOf = (path, port, agent) =>
  new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.on("data", () => {});
      response.on("end", resolve);
    });
    asked.on("error", reject).end();
  });

function serve(port) {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async ({ url }, response) => {
    if (port !== undefined) await upstreamOf(url.replace("/r/", "/b/"), port, agent);
    response.end("hello");
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
}

if (isMainThread) {
  const [count, ...upstreams] = process.argv.slice(2).map(Number);
  const ports = [];
  for (let index = 0; index < count; index++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: upstreams[index] });
    ports.push(await new Promise((resolve) => worker.once("message", resolve)));
  }
  console.log(JSON.stringify(ports));
} else {
  serve(workerData);
}
