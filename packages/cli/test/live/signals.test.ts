// SPDX-License-Identifier: MIT
// An agent that is asked to stop does so within five seconds, whatever the far side of its exporters does.
import { createServer, type AddressInfo } from "node:net";
import test from "ava";
import { liveTests } from "@skep/testkit";
import { buildWorkingTree, exchange, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root"]);

test.before("build", () => buildWorkingTree());

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  live(
    ["root"],
    `${signal}: it leaves within 5 s although a server never answers, and counts what that costs`,
    async (t) => {
      const silent = createServer((socket) => socket.on("error", () => {}).resume());
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      t.teardown(() => silent.close());
      const { port } = silent.address() as AddressInfo;
      let asked = 0;
      const ended = await runProgram(
        [
          ...[skep, "run", "--output", "none", "--interval", "500ms", "--loopback"],
          ...["--datakit-apiserver", `127.0.0.1:${port}`, "--scope-pid", String(process.pid)],
        ],
        {
          onLog: ({ event }, kill) => {
            if (event !== "ready") return;
            void runProgram(exchange("--connections", "3")).then(() => {
              asked = performance.now();
              kill(signal);
            });
          },
        },
      );
      t.true(performance.now() - asked < 5000, `${performance.now() - asked} ms`);
      t.is(ended.status, 0, ended.stderr);
      const summary = ended.log.at(-1) as unknown as {
        event: string;
        exporters: { name: string; exported: number; dropped: Record<string, number> }[];
        plugins: { name: string; emitted: number }[];
      };
      t.is(summary.event, "summary");
      const datakit = summary.exporters.find(({ name }) => name.startsWith("datakit"));
      const emitted = summary.plugins.reduce((sum, plugin) => sum + plugin.emitted, 0);
      const lost = Object.values(datakit?.dropped ?? {}).reduce((sum, count) => sum + count, 0);
      t.true(emitted > 0);
      t.is((datakit?.exported ?? 0) + lost, emitted, JSON.stringify(summary));
    },
  );
}
