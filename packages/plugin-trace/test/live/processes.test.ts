// SPDX-License-Identifier: MIT
// Which processes are traced, seen from what they really did.
import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import { patience, type Place, type Spawned, spawnIn, type Teardown, until } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer } from "./observe.js";
import { get } from "./peers.js";

/** A server that answers everything; a process of its own, so that it has an environment of its own. */
async function server(t: Teardown, place: Place): Promise<Spawned & { readonly port: number }> {
  const child = spawnIn(t, place, process.execPath, [fileURLToPath(new URL("peers/hello.mjs", import.meta.url))]);
  const { value } = await child.lines.next();
  return Object.assign(child, { port: Number(value) });
}

const portsOf = (spans: readonly Point[]): readonly string[] =>
  [...new Set(spans.map(({ fields }) => String(fields["src_port"])))].sort();

const withService = { DD_SERVICE: "", OTEL_SERVICE_NAME: "shop" };

live("of two servers the one is traced that an environment variable names, and not the other", async (t) => {
  const { cgroup, agent, spans, status } = await observer(t, { config: {} });
  const named = await server(t, { cgroup, env: withService });
  const other = await server(t, { cgroup });
  for (let i = 0; i < 5; i++) await Promise.all([get(named.port, "/named"), get(other.port, "/other")]);
  await until(() => spans.length >= 5, { what: "spans of the named one", deadlineMs: 10_000 * patience });
  await agent.stop();
  t.deepEqual(portsOf(spans), [String(named.port)]);
  t.is(spans.length, 5);
  for (const { tags, fields } of spans) {
    t.is(tags["service"], "shop");
    t.like(fields, { service: "shop", process_name: "node", pid: String(named.pid), http_route: "/named" });
  }
  nothingUnaccounted(t, status());
});

live(
  "a process that ran before the agent is judged by its environment too, and its open connection is seen",
  async (t) => {
    const { cgroup, agent, spans } = await observer(t, { config: {}, start: false });
    const named = await server(t, { cgroup, env: withService });
    const other = await server(t, { cgroup });
    const { Agent } = await import("node:http");
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => kept.destroy());
    await get(named.port, "/before", kept);
    await get(other.port, "/before", kept);
    await agent.start();
    for (let i = 0; i < 3; i++) await Promise.all([get(named.port, "/after", kept), get(other.port, "/after", kept)]);
    await until(() => spans.length >= 3, { what: "spans of a kept connection", deadlineMs: 10_000 * patience });
    await agent.stop();
    t.deepEqual(portsOf(spans), [String(named.port)]);
    t.deepEqual(
      spans.map(({ fields }) => fields["http_route"]),
      ["/after", "/after", "/after"],
    );
  },
);

live("a blacklist wins: by name, and by variable", async (t) => {
  const { cgroup, agent, spans } = await observer(t, {
    config: { trace_all_process: true, trace_env_blacklist: ["QUIET"], trace_name_blacklist: ["sleep"] },
  });
  const quiet = await server(t, { cgroup, env: { QUIET: "" } });
  const other = await server(t, { cgroup });
  for (let i = 0; i < 3; i++) await Promise.all([get(quiet.port, "/quiet"), get(other.port, "/other")]);
  await until(() => spans.length >= 3, { what: "spans of the other", deadlineMs: 10_000 * patience });
  await agent.stop();
  t.deepEqual(portsOf(spans), [String(other.port)]);
  t.is(spans[0]?.tags["service"], "node");
});
