// SPDX-License-Identifier: MIT
// Traffic to look at: `traffic.mjs SECONDS TRUTH-FILE`. A server and clients of several habits, each its own process, on the
// loopback device. What they really moved is written to TRUTH-FILE as JSON.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";

const [seconds, truthFile] = process.argv.slice(2);
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const server = fork(script("server.mjs"));
const [{ endpoints }] = await once(server, "message");

const habits = { tcp: ["pooled", "short"], udp: ["datagrams"], http: ["customer"], dns: ["resolver"] };
const clients = endpoints.flatMap((endpoint) =>
  habits[endpoint.transport].map((habit) => fork(script("client.mjs"), [habit, JSON.stringify(endpoint)])),
);

await pause(Number(seconds) * 1000);

const rows = [];
for (const worker of [...clients, server]) {
  const said = once(worker, "message");
  worker.send("stop");
  const [{ rows: own }] = await said;
  rows.push(...own);
}
writeFileSync(truthFile, JSON.stringify(rows));
