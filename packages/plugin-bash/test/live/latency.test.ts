// SPDX-License-Identifier: MIT
// How long a program runs before its probes are there: what is typed by then is not seen.
import { libbpfBackend } from "@skep/backend-libbpf";
import { attachToFiles, createAgent, MappedFiles, type Plugin, ProcessTable } from "@skep/core";
import { processes } from "@skep/plugin-process";
import { patience, scopedCgroup, spawnIn, until } from "@skep/testkit";
import { bash } from "../../src/index.js";
import { copyOf, live } from "./observe.js";

live("a shell is probed a few milliseconds after its exec, one of a file that is known before it", async (t) => {
  const cgroup = scopedCgroup(t, "latency");
  const execs = new Map<number, bigint>();
  const attached = new Map<number, bigint>();
  const timed: Plugin = {
    ...(bash as Plugin),
    uses: [MappedFiles, ProcessTable],
    setup: (context) => ({
      async start() {
        context.use(ProcessTable).subscribe(({ kind, pid, timeNs }) => kind === "exec" && execs.set(pid, timeNs));
        await attachToFiles(context, {
          what: "shells",
          wanted: (path, isProgram) => isProgram && path.endsWith("/bash"),
          probesFor: () => [
            { program: "bash_edited", kind: "uretprobe", symbol: "readline_internal_teardown" },
            { program: "bash_readline", kind: "uretprobe", symbol: "readline" },
          ],
          perProcess: () => false,
          attached: ({ pid }) => attached.set(pid, process.hrtime.bigint()),
        });
      },
    }),
  };
  const agent = createAgent({
    backend: libbpfBackend(),
    plugins: [processes, timed],
    scope: { cgroups: [cgroup.path] },
    limits: { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, stopMs: 60_000 },
  });
  t.teardown(() => agent.stop());
  await agent.start();

  /** Milliseconds from the exec of a shell until two probes are attached. */
  async function latencyOf(path: string): Promise<number> {
    const { pid, writeLine, exited } = spawnIn(t, { cgroup }, path, ["-c", "read line"]);
    const at = await until(() => attached.get(pid), { what: "the shell is probed", everyMs: 1 });
    writeLine();
    await exited;
    return Number(at - execs.get(pid)!) / 1e6;
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const first: number[] = [];
  const later: number[] = [];
  for (let copy = 0; copy < 11; copy++) {
    const { path } = copyOf(t, "/bin/bash", "bash");
    first.push(await latencyOf(path));
    later.push(await latencyOf(path));
  }
  t.log(
    `after exec: file not probed yet, median ${median(first).toFixed(1)} ms, slowest ${first.at(-1)!.toFixed(1)} ms`,
  );
  t.log(`file probed already, median ${median(later).toFixed(1)} ms`);
  t.true(median(first) < 200 * patience);
  t.true(median(later) <= median(first));
});
