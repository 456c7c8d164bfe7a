// SPDX-License-Identifier: MIT
// A client, a proxy and a server, each in a thread of its own: requests of which each has a call behind it.
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const ask = (port, path, headers = {}) =>
  new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, agent, headers }, (response) => {
      response.on("data", () => {});
      response.on("end", () => resolve(response.statusCode));
    });
    asked.on("error", reject).end();
  });

if (isMainThread) {
  const thread = async (upstream) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: upstream });
    const [port] = await once(worker, "message");
    return { worker, port };
  };
  const server = await thread();
  const proxy = await thread(server.port);
  for (let id = 1; id <= 3; id++) await ask(proxy.port, `/r/${id}?secret=${id}`);
  await ask(proxy.port, "/r/traced", { Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
  await ask(proxy.port, "/r/broken");
  await Promise.all([server.worker.terminate(), proxy.worker.terminate()]);
  agent.destroy();
} else {
  const own = createServer(async ({ url }, response) => {
    response.statusCode = url.endsWith("broken") ? 500 : 200;
    if (workerData !== undefined) response.statusCode = await ask(workerData, url.replace("/r/", "/b/"));
    response.end("hello");
  });
  own.listen(0, "127.0.0.1", () => parentPort.postMessage(own.address().port));
}
