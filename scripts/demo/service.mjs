// SPDX-License-Identifier: MIT
// A service of the checkout, or its visitor: `service.mjs NAME PORTS`, the latter being where the others listen, as JSON. It knows
// nothing of tracing.
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { place, requestTo, services, visitor } from "./checkout.mjs";
import { CountingClient, countingServer } from "./http.mjs";
import { Truth } from "./truth.mjs";

const [name, ports] = process.argv.slice(2);
process.title = `demo-${name}`;
const truth = new Truth();
const stopped = once(process, "message");
const peers = (services[name] ?? visitor).asks.map((asked) => ({
  asked,
  client: new CountingClient(truth, { ...place, port: JSON.parse(ports)[asked] }),
}));

async function askAll() {
  for (const { asked, client } of peers) await client.ask(requestTo(asked));
}

async function leaveAll() {
  for (const { client } of peers) await client.leave();
}

async function serve() {
  const sockets = new Set();
  const server = countingServer(truth, place.family, sockets, async () => {
    await askAll();
    return { status: 200, answer: `${name} is well` };
  });
  await once(server.listen(0, place.host), "listening");
  process.send({ port: server.address().port });
  await stopped;
  await leaveAll();
  await Promise.all([...sockets].map((socket) => once(socket, "close")));
  return truth.rows();
}

/** One checkout after another, so that each event loop works for one at a time. */
async function visit() {
  const trees = truth.checkouts();
  while ((await Promise.race([stopped, pause(200, "go on")])) === "go on") {
    await askAll();
    trees.counters.count++;
  }
  await leaveAll();
  return truth.rows();
}

const rows = name === visitor.name ? await visit() : await serve();
process.send({ rows }, () => process.exit());
