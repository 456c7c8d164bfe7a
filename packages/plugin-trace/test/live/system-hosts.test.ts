// SPDX-License-Identifier: MIT
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { liveTests, until } from "@skep/testkit";
import test from "ava";
import { whyNoHosts } from "../system/hosts.js";

const live = await liveTests(test, ["root", "cgroup2", "netns"]);
const missing = whyNoHosts();
const title = "whoever kills a system's test leaves nothing of the system behind";

if (missing !== undefined) test.skip(`${title} (skipped: ${missing})`, () => {});
else
  live(["root", "cgroup2", "netns"], title, async (t) => {
    const script = fileURLToPath(new URL("../system/hosts-process.ts", import.meta.url));
    const child = spawn(process.execPath, [...process.execArgv, script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { folder, cgroup, pid } = JSON.parse(line) as { folder: string; cgroup: string; pid: number };
    t.true(existsSync(`/proc/${pid}`) && existsSync(cgroup) && netnsOf(child.pid!).length === 2);
    child.kill("SIGKILL");
    const stays = () => [folder, cgroup, `/proc/${pid}`].some(existsSync) || netnsOf(child.pid!).length > 0;
    await until(() => !stays(), { what: "everything is gone", deadlineMs: 30_000 });
    t.pass();
  });

const netnsOf = (pid: number): string[] =>
  execFileSync("ip", ["netns", "list"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.startsWith(`skep-system-${pid}-`));
