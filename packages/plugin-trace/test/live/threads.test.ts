// SPDX-License-Identifier: MIT
// A proxy and a server with a thread per connection.
import { patience, until } from "@skep/testkit";
import { livePython as live } from "./live.js";
import { nothingUnaccounted, observer, ofType } from "./observe.js";
import { pythonServer } from "./peers.js";
import { askAll, exactTrees } from "./trees.js";

for (const atOnce of [1, 8]) {
  live(`threads, ${atOnce} requests at once: every call is tied to the request it was made for`, async (t) => {
    const count = 100;
    const { cgroup, agent, spans, status } = await observer(t);
    const backend = await pythonServer(t, { cgroup }, "threads", "backend");
    const place = { cgroup, env: { DD_SERVICE: "front" } };
    const proxy = await pythonServer(t, place, "threads", "proxy", String(backend.port));

    await askAll(Array<number>(atOnce).fill(proxy.port), count);
    await until(() => spans.length >= 3 * count, { what: "all spans", deadlineMs: 20_000 * patience });
    await agent.stop();

    t.is(spans.length, 3 * count);
    await exactTrees(t, spans, count);
    for (const span of ofType(spans, "exit")) {
      t.like(span.tags, { service: "front" });
      t.like(span.fields, {
        direction: "outgoing",
        pid: String(proxy.pid),
        dst_ip: "127.0.0.1",
        dst_port: String(backend.port),
        http_method: "GET",
        http_status_code: "200",
        status: "ok",
      });
      t.true(Number(span.fields["duration"]) > 0);
    }
    nothingUnaccounted(t, status());
  });
}
