// SPDX-License-Identifier: MIT
/**
 * The command as an operator runs it, for an hour, while whoever takes its points fails at random: does the accounting close to
 * the point, does every request arrive at the far side exactly once, is memory flat?
 *
 * node --import ./scripts/ts-node.mjs --conditions=skep-source bench/soak.ts [minutes] [requests a second]
 * An hour and 5,000 by default. Build first (npm run setup). Exit status 1 when something does not come out.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { median } from "./support/children.js";
import { moodyCollector, MoodyServer } from "./support/soak-servers.js";

const minutes = Number(process.argv[2] ?? 60);
const rate = Number(process.argv[3] ?? 5000);
const seconds = minutes * 60;
/** Growth of the last third's median resident memory over the second third's that is taken for noise. */
const GROWTH_MB = 5;

interface Summary {
  readonly plugins: readonly {
    readonly name: string;
    readonly observed: number;
    readonly emitted: number;
    readonly aggregated: number;
    readonly pending: number;
    readonly dropped: Readonly<Record<string, number>>;
  }[];
  readonly exporters: readonly {
    readonly name: string;
    readonly exported: number;
    readonly dropped: Readonly<Record<string, number>>;
  }[];
}
interface Did {
  readonly requests: number;
  readonly written: number;
  readonly read: number;
  readonly connections: number;
  readonly lines: number;
  readonly queries: number;
  readonly seconds: number;
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const place = mkdtempSync(join(tmpdir(), "skep-soak-"));
const [bash, file] = [join(place, "bash"), join(place, "did.json")];
copyFileSync("/bin/bash", bash);
const datakit = new MoodyServer();
await datakit.appear();
const otlp = await moodyCollector();

const agent = spawn(
  process.execPath,
  [
    path("../bin/skep"),
    ...["run", "--output", "none", "--enabled", "ebpf-net,ebpf-bash,ebpf-conntrack", "--interval", "10s"],
    ...["--datakit-apiserver", datakit.address, "--spool-dir", join(place, "spool")],
    ...["--otlp-endpoint", otlp.url, "--prometheus-listen", "127.0.0.1:19435"],
    ...["--", "unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"'],
    ...[process.execPath, path("support/soak-load.mjs"), String(seconds), String(rate), bash, file],
  ],
  { env: { ...process.env, HOST_ROOT: place }, stdio: ["ignore", "inherit", "pipe"] },
);
const ended = new Promise<number | null>((resolve) => agent.once("close", resolve));
let summary: Summary | undefined;
const troubles = new Map<string, number>();
createInterface({ input: agent.stderr }).on("line", (text) => {
  if (!text.startsWith("{")) return console.error(text);
  const line = JSON.parse(text) as { level: string; event?: string; msg: string };
  if (line.event === "summary") summary = line as unknown as Summary;
  else if (line.level !== "info") troubles.set(line.event ?? "", (troubles.get(line.event ?? "") ?? 0) + 1);
});

/** Resident memory of the agent, MB. */
function residentMb(): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

const sizes: number[] = [];
let [scrapes, series] = [0, 0];
async function watch(): Promise<void> {
  const begin = performance.now();
  for (let round = 1; agent.exitCode === null; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const at = (performance.now() - begin) / 1000;
    // Then what waits can go, before the agent has to.
    if (at > seconds - Math.min(60, seconds / 4)) {
      datakit.calm();
      otlp.calm();
    } else if (round % 30 === 0) {
      void datakit.vanishFor(30_000);
    }
    try {
      sizes.push(residentMb());
      const page = await (await fetch("http://127.0.0.1:19435/metrics")).text();
      scrapes++;
      series = page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
    } catch {
      // It has left.
    }
    if (round % 6 === 0) {
      const { taken, requests, absences } = datakit;
      console.log(
        `${(at / 60).toFixed(0)} min: resident ${sizes.at(-1)!.toFixed(1)} MB; DataKit took ${taken.points} points in ${requests} ` +
          `requests, ${taken.copies} of them again, was away ${absences} times; /metrics: ${series} lines`,
      );
    }
  }
}

const failures: string[] = [];
function expect(what: string, measured: number, wanted: number): void {
  const isRight = measured === wanted;
  console.log(`${isRight ? "right" : "WRONG"}  ${what}: ${measured}${isRight ? "" : `, not ${wanted}`}`);
  if (!isRight) failures.push(what);
}

try {
  const watching = watch();
  const status = await ended;
  await watching;
  await datakit.close();
  if (status !== 0 || summary === undefined) throw new Error(`skep ended with status ${status}`);
  const did = JSON.parse(readFileSync(file, "utf8")) as Did;
  const { taken } = datakit;
  const perSecond = did.requests / did.seconds;
  console.log(`\n${did.requests} requests in ${did.seconds.toFixed(0)} s: ${perSecond.toFixed(0)} a second\n`);
  for (const plugin of summary.plugins) {
    const { name, observed, emitted, aggregated, pending, dropped } = plugin;
    expect(`${name}: emitted + aggregated + dropped`, emitted + aggregated + total(dropped) + pending, observed);
    if (total(dropped) > 0) console.log(`       ${name}: dropped ${JSON.stringify(dropped)}`);
  }
  for (const { name, exported, dropped } of summary.exporters) {
    console.log(`       ${name}: ${exported} exported, dropped ${JSON.stringify(dropped)}`);
  }
  const datakits = summary.exporters.filter(({ name }) => name.startsWith("datakit"));
  expect(
    "points DataKit has, each once",
    taken.points,
    total(Object.fromEntries(datakits.map((e) => [e.name, e.exported]))),
  );
  expect(
    "points emitted",
    datakits.reduce((sum, { exported, dropped }) => sum + exported + total(dropped), 0),
    summary.plugins.reduce((sum, { emitted }) => sum + emitted, 0),
  );
  for (const direction of ["incoming", "outgoing"]) {
    expect(`httpflow ${direction}: requests`, taken.sum(`httpflow tcp ${direction} count`), did.requests);
    expect(`netflow ${direction}: opened`, taken.sum(`netflow tcp ${direction} tcp_established`), did.connections);
    expect(`netflow ${direction}: closed`, taken.sum(`netflow tcp ${direction} tcp_closed`), did.connections);
    expect(`dnsflow ${direction}: queries`, taken.sum(`dnsflow udp ${direction} count`), did.queries);
  }
  expect("netflow outgoing: bytes written", taken.sum("netflow tcp outgoing bytes_written"), did.written);
  expect("netflow outgoing: bytes read", taken.sum("netflow tcp outgoing bytes_read"), did.read);
  expect("httpflow outgoing: bytes written", taken.sum("httpflow tcp outgoing bytes_written"), did.written);
  expect("bash: lines", taken.sum("bash"), did.lines);
  const third = Math.floor(sizes.length / 3);
  const [middle, last] = [median(sizes.slice(third, 2 * third)), median(sizes.slice(2 * third))];
  console.log(
    `       resident: ${median(sizes.slice(0, third)).toFixed(1)}, ${middle.toFixed(1)}, ${last.toFixed(1)} MB (medians of thirds)`,
  );
  console.log(`       ${scrapes} scrapes of /metrics; log: ${JSON.stringify(Object.fromEntries(troubles))}`);
  if (last > middle + GROWTH_MB) failures.push("memory grew");
} finally {
  otlp.close();
  agent.kill();
  rmSync(place, { recursive: true, force: true });
}
console.log(failures.length === 0 ? "all came out" : `did not come out: ${failures.join("; ")}`);
process.exitCode = failures.length === 0 ? 0 : 1;
