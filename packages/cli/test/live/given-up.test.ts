// SPDX-License-Identifier: MIT
// What an agent that runs may still do: what its plugins need, though it was started as root with everything.
import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { liveTests } from "@skep/testkit";
import { keptCapabilities } from "../../src/kept-capabilities.js";
import { net } from "@skep/plugin-net";
import { processes } from "@skep/plugin-process";
import { buildWorkingTree, exchange, pointsOf, runProgram, skep, sum } from "./skep.js";

const live = await liveTests(test, ["root"]);

test.before("build", () => buildWorkingTree());

const permitted = (path: string): bigint =>
  BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${path}/status`, "utf8"))?.[1] ?? "0"}`);

live(
  ["root"],
  "once attached, an agent gives up what its plugins do not need, and sees as much as before",
  async (t) => {
    const keep = keptCapabilities([net, processes]);
    let threads: { main: bigint; withMore: number; all: number } | undefined;
    const ended = await runProgram(
      [skep, "run", "--output", "ndjson", "--loopback", "--interval", "500ms", "--scope-pid", String(process.pid)],
      {
        onLog: ({ event }, kill, pid) => {
          if (event !== "ready") return;
          const each = readdirSync(`/proc/${pid}/task`).map((id) => permitted(`${pid}/task/${id}`));
          threads = {
            main: permitted(String(pid)),
            withMore: each.filter((set) => (set & ~keep) !== 0n).length,
            all: each.length,
          };
          void runProgram(exchange("--connections", "3")).then(() => kill("SIGTERM"));
        },
      },
    );
    t.is(ended.status, 0, ended.stderr);
    t.is(threads!.main & ~keep, 0n, threads!.main.toString(16));
    t.not(threads!.main & keep, 0n);
    // Only those of V8 are left, which make no system calls for anybody: of Node's, libuv's four are not among them.
    t.true(threads!.withMore <= threads!.all - 5, JSON.stringify({ ...threads, main: undefined }));
    t.is(sum(pointsOf(ended), "tcp_established"), 6, ended.stderr);
    t.false(ended.log.some(({ event }) => event === "capabilities"));
  },
);

live(["root"], "with a COMMAND it keeps what it was given: it must be able to end it", async (t) => {
  const command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "60"];
  const ended = await runProgram([skep, "run", "--output", "none", "--duration", "1s", "--", ...command]);
  t.is(ended.status, 0, ended.stderr);
});
