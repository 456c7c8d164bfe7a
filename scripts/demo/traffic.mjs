// SPDX-License-Identifier: MIT
// Traffic to look at: `traffic.mjs SECONDS TRUTH-FILE [NAT]`. A server and clients of several habits on the loopback device, a
// shell somebody types into, services that ask each other, and where NAT is given (as made by nat.mjs, as JSON) a client of a service that is translated; each
// its own process. What they really did is written to TRUTH-FILE as JSON.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { findProgram } from "../setup/host.mjs";
import { environmentOf, services, visitor } from "./checkout.mjs";
import { inside } from "./nat.mjs";

const [seconds, truthFile, natText] = process.argv.slice(2);
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/** As `fork`, in another network namespace. */
function forkInside(netns, name, parameters) {
  const [command, ...rest] = [...inside(netns), process.execPath, script(name), ...parameters];
  return spawn(command, rest, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
}

const server = fork(script("server.mjs"));
const [{ endpoints }] = await once(server, "message");

const habits = { tcp: ["pooled", "short"], udp: ["datagrams"], http: ["customer"], dns: ["resolver"] };
const clients = endpoints.flatMap((endpoint) =>
  habits[endpoint.transport].map((habit) => fork(script("client.mjs"), [habit, JSON.stringify(endpoint)])),
);
if (findProgram(["script"]) && findProgram(["bash"])) clients.push(fork(script("shell.mjs")));
else console.error("demo: there is no bash, or no command script, so there is no shell to be seen");

// Who is asked listens before who asks; who asks stops first.
const [servers, ports] = [[server], {}];
const startService = (name) => fork(script("service.mjs"), [name, JSON.stringify(ports)], { env: environmentOf(name) });
for (const name of Object.keys(services)) {
  const service = startService(name);
  servers.unshift(service);
  ports[name] = (await once(service, "message"))[0].port;
}
clients.push(startService(visitor.name));

if (natText) {
  const nat = JSON.parse(natText);
  const backend = forkInside(nat.server, "server.mjs", [nat.backend.host, String(nat.backend.port)]);
  await once(backend, "message");
  const endpoint = { family: "IPv4", ...nat.service, backend: nat.backend };
  clients.push(forkInside(nat.client, "client.mjs", ["customer", JSON.stringify(endpoint)]));
  servers.push(backend);
}

await pause(Number(seconds) * 1000);

const rows = [];
for (const worker of [...clients, ...servers]) {
  const said = once(worker, "message");
  worker.send("stop");
  const [{ rows: own }] = await said;
  rows.push(...own);
}
writeFileSync(truthFile, JSON.stringify(rows));
