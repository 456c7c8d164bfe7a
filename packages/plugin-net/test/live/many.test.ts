// SPDX-License-Identifier: MIT
// As many connections at once as fit the map by default, both ends on this host.
import type { Point } from "@skep/core";
import { startTraffic } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import { live } from "./live.js";
import { nothingUnaccounted, observer, sum } from "./observe.js";

const processes = 8;
/** Both ends are in one process, which may have 20,000 descriptors. */
const perProcess = 8192;
const ends = 2 * processes * perProcess;

const title = "65,536 connections at once are all counted, open and closed";

async function holdMany(t: ExecutionContext): Promise<void> {
  t.timeout(100_000);
  const observed = await observer(t, { config: { ephemeral_port: 0 } });
  const traffic = Array.from({ length: processes }, () =>
    startTraffic(t, ["hold", String(perProcess), "--send", "10", "--reply", "20"], observed),
  );
  for (const { holding } of traffic) await holding;
  const open = await observed.flush();
  t.is(open.length, 2 * processes, "client ports are folded: a flow for each end of each process");
  t.is(sum(open, "tcp_established"), ends);
  t.is(sum(open, "bytes_written"), (ends / 2) * 30);
  t.is(sum(open, "bytes_read"), (ends / 2) * 30);
  t.is(sum(open, "tcp_closed"), 0);
  t.deepEqual(observed.status().counters.dropped, {});

  // All at the same moment: that many last records are more than the ring holds, so some are counted as lost.
  for (const { go } of traffic) go();
  await Promise.all(traffic.map(({ done }) => done));
  const dropped = () => observed.status().counters.dropped;
  const lost = () => (dropped()["unreadable"] ?? 0) + (dropped()["ring_full"] ?? 0);
  // The kernel skips entries of a bucket it walks when one of them goes: those are told an interval later.
  const closed: Point[] = [];
  for (let interval = 0; interval < 5 && sum(closed, "tcp_closed") + lost() < ends; interval++) {
    closed.push(...(await observed.flush()));
  }
  t.is(sum(closed, "tcp_closed") + lost(), ends, JSON.stringify(dropped()));
  t.is(sum(closed, "tcp_established") + sum(closed, "bytes_read") + sum(closed, "bytes_written"), 0);
  nothingUnaccounted(t, observed.status());
}

if (process.env["SKEP_KERNEL"])
  test.skip(`${title} (skipped: emulation has neither the memory nor the time)`, holdMany);
else live(title, holdMany);
