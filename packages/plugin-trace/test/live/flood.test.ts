// SPDX-License-Identifier: MIT
// More than usual: nothing is lost in silence, and what is not wanted costs next to nothing.
import { fileURLToPath } from "node:url";
import { patience, type Place, spawnIn, type Teardown, until } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer } from "./observe.js";

const peer = (t: Teardown, place: Place, ...args: readonly string[]) =>
  spawnIn(t, place, process.execPath, [fileURLToPath(new URL("peers/many.mjs", import.meta.url)), ...args]);

live("of many requests each has a span at both ends, or is counted as lost", async (t) => {
  const requests = process.env["SKEP_KERNEL"] ? 500 : 10_000;
  const { cgroup, agent, spans, status } = await observer(t);
  const many = peer(t, { cgroup }, "http", String(requests), "32");
  await many.lines.next();
  many.writeLine();
  t.is((await many.lines.next()).value, "done");
  const lost = (): number => Object.values(status().counters.dropped).reduce((sum, count) => sum + count, 0);
  await until(() => spans.length >= 2 * requests || lost() > 0, { what: "spans", deadlineMs: 30_000 * patience });
  await agent.stop();
  if (lost() === 0) t.is(spans.length, 2 * requests);
  else t.log(JSON.stringify(status().counters.dropped));
  const names = spans.map(({ fields }) => `${String(fields["span_type"])} ${String(fields["http_route"])}`);
  t.is(new Set(names).size, names.length, "a request is told twice");
  nothingUnaccounted(t, status());
});

live("a connection that speaks nothing known is looked at briefly, and no more", async (t) => {
  const { cgroup, agent, spans, status } = await observer(t);
  const noise = peer(t, { cgroup }, "noise", String(100 * 1024 * 1024));
  await noise.lines.next();
  noise.writeLine();
  t.is((await noise.lines.next()).value, "done");
  await agent.stop();
  t.is(spans.length, 0);
  const { counters } = status();
  // As packets of 64 KiB at both ends they would be 3,200 at least.
  t.true(counters.observed < 1000, JSON.stringify(counters));
  nothingUnaccounted(t, status());
});
