// SPDX-License-Identifier: MIT

import { goServices } from "../../packages/plugin-trace/test/system/installed.js";
import { exited, spawnIn } from "./children.js";
import { Nginx } from "./nginx.js";
import { type Load, saturate } from "./wrk.js";

const PORT = 18082;

/** A server that does nothing but answer. */
export interface Hello {
  readonly name: "nginx" | "go" | "node";
  /** How many requests it answers in so long. @param cgroup where wrk runs */
  saturate(cgroup: string, seconds: number): Promise<Load>;
  stop(): Promise<void>;
}

const node = `require("node:http").createServer((_, answer) => answer.end("hello")).listen(${PORT}, "127.0.0.1")`;

/** Starts one in a cgroup; it answers when the promise resolves. */
export async function startHello(name: Hello["name"], cgroup: string): Promise<Hello> {
  if (name === "nginx") {
    const nginx = new Nginx(cgroup, PORT);
    await answers(PORT);
    return { name, saturate: (where, seconds) => nginx.saturate(where, seconds), stop: () => nginx.stop() };
  }
  const [program, ...args] =
    name === "go" ? [await goServices(), "hello", `127.0.0.1:${PORT}`] : [process.execPath, "-e", node];
  const child = spawnIn(cgroup, program!, args);
  await answers(PORT);
  return {
    name,
    saturate: (where, seconds) => saturate(where, `http://127.0.0.1:${PORT}/`, seconds),
    async stop() {
      child.kill();
      await exited(child);
    },
  };
}

async function answers(port: number): Promise<void> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    const ok = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.text(),
      () => "",
    );
    if (ok === "hello") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody says hello on port ${port}`);
}
