// SPDX-License-Identifier: MIT
// What `skep record` wrote becomes the same points again, on a host that knows nothing of it.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { liveTests, type Teardown } from "@skep/testkit";
import test from "ava";
import { buildWorkingTree, type Ended, exchange, pointsOf, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root", "command:bash", "command:ip"]);
const scene = fileURLToPath(new URL("scene.mjs", import.meta.url));
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];

test.before("build", () => buildWorkingTree());

/** A directory that anybody may look into. */
function folder(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), "skep-record-"));
  t.teardown(() => rmSync(path, { recursive: true }));
  chmodSync(path, 0o755);
  return path;
}

/** Points as lines, in an order of their own. */
const lines = ({ stdout }: Ended): string[] => stdout.split("\n").filter(Boolean).sort();
const summary = ({ log }: Ended) => log.findLast(({ event }) => event === "summary")?.plugins ?? [];

live(
  ["root", "command:bash", "command:ip"],
  "a replay by nobody gives exactly the points, and the counts, of the run that was recorded",
  async (t) => {
    const place = folder(t);
    const [bash, file] = [join(place, "bash"), join(place, "scene.skeprec")];
    copyFileSync("/bin/bash", bash);
    const inside = 'ip link set lo up && exec "$0" "$@"';
    const original = await runProgram(
      [
        ...[
          skep,
          "record",
          file,
          "--output",
          "ndjson",
          "--interval",
          "1s",
          "--enabled",
          "ebpf-net,ebpf-bash",
          "--shell-cwd",
        ],
        ...["--", "unshare", "--net", "sh", "-c", inside, process.execPath, scene, bash],
      ],
      { env: { HOST_ROOT: place } }, // this machine's own bash is left alone
    );
    t.is(original.status, 0, original.stderr);
    const kinds = new Set(pointsOf(original).map(({ measurement }) => measurement));
    for (const kind of ["netflow", "httpflow", "dnsflow", "bash"])
      t.true(kinds.has(kind), `${kind}: ${original.stderr}`);

    t.is(statSync(file).mode & 0o777, 0o600);
    chmodSync(file, 0o644);
    const replayed = await runProgram([...nobody, skep, "replay", file, "--output", "ndjson"]);
    t.is(replayed.status, 0, replayed.stderr);
    t.deepEqual(lines(replayed), lines(original));
    // Plugins that only serve others are not replayed: their answers are.
    const names = ["ebpf-net", "ebpf-bash"];
    t.deepEqual(
      summary(replayed),
      summary(original).filter(({ name }) => names.includes(String(name))),
    );

    const byRun = await runProgram([
      ...nobody,
      skep,
      "run",
      "--backend",
      "replay",
      "--recording",
      file,
      "--output",
      "ndjson",
    ]);
    t.deepEqual(lines(byRun), lines(original), byRun.stderr);
  },
);

live(["root"], "a recording is never overwritten, and one cut off or foreign is refused with the mend", async (t) => {
  const place = folder(t);
  const file = join(place, "run.skeprec");
  const command = ["--", ...exchange("--connections", "2")];
  t.is((await runProgram([skep, "record", file, ...command])).status, 0);
  const again = await runProgram([skep, "record", file, ...command]);
  t.is(again.status, 2);
  t.like(again.log.at(-1), { code: "SKEP_ERR_RECORDING", event: "error" });
  t.regex(again.log.at(-1)?.hint ?? "", /another file/);

  const whole = readFileSync(file);
  const cut = join(place, "cut.skeprec");
  writeFileSync(cut, whole.subarray(0, Math.floor(whole.length * 0.7)));
  const refused = await runProgram([skep, "replay", cut]);
  t.is(refused.status, 2);
  t.regex(refused.log.at(-1)?.msg ?? "", /cut\.skeprec: its end is missing/);
  t.regex(refused.log.at(-1)?.hint ?? "", /--partial/);
  t.is((await runProgram([skep, "replay", cut, "--partial", "--output", "none"])).status, 0);

  for (const [name, content] of [
    ["text", "hello\n"],
    ["json", '{"a":1}\n'],
    ["zeros", Buffer.alloc(4096)],
    ["empty", ""],
  ] as const) {
    const foreign = join(place, name);
    writeFileSync(foreign, content);
    const ended = await runProgram([skep, "replay", foreign]);
    t.is(ended.status, 2, name);
    t.true(ended.log.at(-1)?.msg.includes(foreign), name);
    t.truthy(ended.log.at(-1)?.hint, name);
  }
  t.is((await runProgram([skep, "replay", join(place, "nonexistent")])).status, 2);
  t.is((await runProgram([skep, "replay"])).status, 2);
  t.is((await runProgram([skep, "run", "--backend", "replay"])).status, 2);
});
