// SPDX-License-Identifier: MIT
// The plugin as its users have it: installed beside them, enabled by its name.
import test from "ava";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const plugin = join(dirname(fileURLToPath(import.meta.url)), "../..");
const skep = join(plugin, "../../bin/skep");
const live = process.getuid?.() === 0 ? test : test.skip;

live("every program a command starts is counted, and no other", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "skep-execs-"));
  t.teardown(() => rmSync(project, { recursive: true }));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(plugin, join(project, "node_modules", "skep-plugin-execs"));

  const command = ["sh", "-c", "for i in 1 2 3; do /bin/true; done; /bin/false; /bin/sleep 0; exit 0"];
  const options = ["run", "--enabled", "execs", "--ignore=sleep", "--output", "ndjson"];
  const { stdout } = await promisify(execFile)(skep, [...options, "--", ...command], { cwd: project });
  const counts = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { tags: { process_name: string }; fields: { count: number } })
    .map(({ tags, fields }) => [tags.process_name, fields.count]);
  t.deepEqual(Object.fromEntries(counts), { sh: 1, true: 3, false: 1 });
});
