// SPDX-License-Identifier: MIT
// An agent of your own, watching the process it lives in: run it as root with `node index.mjs`.
import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent } from "@skep/core";
import net from "@skep/plugin-net";
import { createServer, get } from "node:http";

const backend = libbpfBackend();
const agent = createAgent({
  backend,
  plugins: [{ plugin: net, config: { loopback: true } }],
  scope: { pids: [process.pid] },
  tags: { example: "custom-agent" },
});
agent.on("point", ({ tags, fields }) =>
  console.log(`${tags.transport} ${tags.direction}: read ${fields.bytes_read}, wrote ${fields.bytes_written} bytes`),
);
await agent.start();

const server = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1", () =>
  get({ port: server.address().port, agent: false }, (response) => response.resume().on("end", () => server.close())),
);
server.on("close", async () => {
  await agent.stop(); // flushes: the points of both ends are printed before it resolves
  await backend.close();
});
