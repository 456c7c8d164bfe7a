// SPDX-License-Identifier: MIT
// `skep run -- COMMAND` against commands whose every byte is known.
import test from "ava";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, exchange, pointsOf, runProgram, skep, sum } from "./skep.js";

const live = await liveTests(test, ["root"]);

// What changed is built before the time of a run matters.
test.before("build", () => buildWorkingTree());

live(["root"], "both ends of a command's connections are reported to the byte", async (t) => {
  const command = exchange("--connections", "7", "--send", "1000", "--reply", "2000", "--rounds", "3");
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...command]);
  t.is(ended.status, 0, ended.stderr);
  const flows = pointsOf(ended).filter(({ tags }) => tags["transport"] === "tcp");
  for (const [direction, written, read] of [
    ["outgoing", 1000, 2000],
    ["incoming", 2000, 1000],
  ] as const) {
    const side = flows.filter(({ tags }) => tags["direction"] === direction);
    t.is(sum(side, "bytes_written"), 7 * 3 * written, `${direction}\n${ended.stdout}${ended.stderr}`);
    t.is(sum(side, "bytes_read"), 7 * 3 * read, direction);
    t.is(sum(side, "tcp_established"), 7, direction);
    t.is(sum(side, "tcp_closed"), 7, direction);
    t.deepEqual([...new Set(side.map(({ tags }) => tags["process_name"]))].length, 1, direction);
  }
  t.is(new Set(flows.map(({ tags }) => tags["pid"])).size, 2);
});

live(["root"], "one line says ready with strategies, and the last one sums up that nothing was lost", async (t) => {
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...exchange()]);
  const ready = ended.log.filter(({ event }) => event === "ready");
  t.is(ready.length, 1, ended.stderr);
  const net = ready[0]?.plugins?.find(({ name }) => name === "ebpf-net") as { strategies: object; support: string };
  t.true(Object.keys(net.strategies).length > 0);
  t.true(["full", "reduced"].includes(net.support));
  const summary = ended.log.at(-1);
  t.is(summary?.event, "summary", ended.stderr);
  const counts = summary?.plugins?.find(({ name }) => name === "ebpf-net") as {
    observed: number;
    emitted: number;
    aggregated: number;
    dropped: Record<string, number>;
    pending: number;
  };
  t.is(counts.emitted, pointsOf(ended).length);
  t.is(counts.pending, 0);
  t.is(
    counts.observed,
    counts.emitted + counts.aggregated + Object.values(counts.dropped).reduce((total, count) => total + count, 0),
  );
});

live(["root"], "somebody else's connections are not seen", async (t) => {
  const stranger = runProgram(exchange("--connections", "200", "--delay-us", "5000"));
  const ended = await runProgram([skep, "run", "--output", "ndjson", "--", ...exchange("--connections", "2")]);
  await stranger;
  const tcp = pointsOf(ended).filter(({ tags }) => tags["direction"] === "outgoing");
  t.is(sum(tcp, "tcp_established"), 2, ended.stdout);
});
