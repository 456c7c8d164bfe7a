// SPDX-License-Identifier: MIT
// --res-mem, --res-cpu and --sampling-rate of a real agent.
import test from "ava";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, exchange, pointsOf, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root"]);

test.before("build", () => buildWorkingTree());

live(["root"], "an agent over its limit says each step: less, without plugins, not at all; status 1", async (t) => {
  const scope = ["--scope-pid", String(process.pid)];
  const ended = await runProgram([skep, "run", "--output", "none", "--res-mem", "1MiB", ...scope]);
  t.is(ended.status, 1, ended.stderr);
  const steps = ended.log.filter(({ event }) => event === "relief") as unknown as { action: string; msg: string }[];
  const actions = steps.map(({ action }) => action);
  t.deepEqual([...new Set(actions)], ["reduce", "stop", "exit"]);
  t.true(
    steps.every(({ msg }) => /memory: [\d.]+ MiB of 1\.0 MiB/.test(msg)),
    JSON.stringify(steps),
  );
  t.is(ended.log.at(-1)?.event, "summary");
});

live(["root"], "an agent within its limits does not mind them", async (t) => {
  const limits = ["--res-mem", "8GiB", "--res-cpu", "64"];
  const ended = await runProgram([skep, "run", "--output", "ndjson", ...limits, "--", ...exchange()]);
  t.is(ended.status, 0, ended.stderr);
  t.false(ended.log.some(({ event }) => event === "relief"));
  t.true(pointsOf(ended).length > 0);
});

live(["root"], "what is sampled away is counted as such, and both ends of a connection share its lot", async (t) => {
  const ended = await runProgram([
    ...[skep, "run", "--output", "ndjson", "--sampling-rate", "0.5", "--interval", "1s"],
    ...["--", ...exchange("--connections", "12", "--rounds", "2")],
  ]);
  t.is(ended.status, 0, ended.stderr);
  const [net] = ended.log.find(({ event }) => event === "summary")?.plugins ?? [];
  const { observed, emitted, aggregated, dropped, pending } = net as unknown as Record<
    "observed" | "emitted" | "aggregated" | "pending",
    number
  > & { dropped: Record<string, number> };
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  t.is(emitted + aggregated + lost + pending, observed, JSON.stringify(net));
  // All connections go to one port: with the client's as `*` they are one flow to points, and both its ends are one.
  const directions = new Set(pointsOf(ended).map(({ tags }) => tags["direction"]));
  t.true(directions.size === 0 || directions.size === 2);
  t.is(directions.size === 0, (dropped["sampled"] ?? 0) > 0);
});
