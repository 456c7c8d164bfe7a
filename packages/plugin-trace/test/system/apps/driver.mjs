// SPDX-License-Identifier: MIT
// Who uses the system: `driver.mjs HOST`, then lines `FIRST COUNT CONCURRENCY` on stdin: so many requests under the ids FIRST,
// FIRST + 1..., so many at a time over connections that are kept. A line of JSON on stdout when they are answered.
import { once } from "node:events";
import { Agent, get } from "node:http";
import { createInterface } from "node:readline";

const host = process.argv[2];

async function ask(agent, id) {
  const [answer] = await once(get({ agent, host, port: 8080, path: `/work/${id}/nginx` }), "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode === 200;
}

async function drive(first, count, concurrency) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const failed = [];
  let next = first;
  const user = async () => {
    while (next < first + count) {
      const id = next++;
      if (!(await ask(agent, id).catch(() => false))) failed.push(id);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, user));
  agent.destroy();
  return { seconds: (performance.now() - began) / 1000, failed };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [first, count, concurrency] = line.split(" ").map(Number);
  console.log(JSON.stringify(await drive(first, count, concurrency)));
}
