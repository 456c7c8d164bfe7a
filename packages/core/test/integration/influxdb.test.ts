// SPDX-License-Identifier: MIT
// InfluxDB 1.x, which defined line protocol, takes ours and gives back the same values. `apt-get install influxdb` brings it.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { lineProtocol, type FieldValue, type Point } from "../../src/index.js";

const isThere = spawnSync("influxd", ["version"]).status === 0;
const run = isThere ? test : test.skip;
const what = isThere ? "" : " (skipped: influxd is missing, install influxdb)";

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** A database of this test's own. Returns its address. */
async function influxdb(t: ExecutionContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "skep-influxdb-"));
  const [http, rpc] = [await freePort(), await freePort()];
  const config = `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false
`;
  writeFileSync(join(folder, "influxdb.conf"), config);
  const server = spawn("influxd", ["-config", join(folder, "influxdb.conf")], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  t.teardown(async () => {
    server.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const address = `http://127.0.0.1:${http}`;
  const deadline = performance.now() + 40_000;
  while (
    !(await fetch(`${address}/ping`).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (performance.now() > deadline) throw new Error("influxd does not come up");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return address;
}

interface Series {
  readonly tags: Record<string, string>;
  readonly columns: string[];
  readonly values: unknown[][];
}

async function query(address: string, text: string, database = ""): Promise<Series[]> {
  const url = `${address}/query?db=${database}&epoch=ns&q=${encodeURIComponent(text)}`;
  const body = await (await fetch(url, { method: "POST" })).text();
  // Integers may be larger than JSON.parse keeps: as text they stay what they are.
  const exact = body.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (token) =>
    /^-?\d+$/.test(token) ? `"int:${token}"` : token,
  );
  const { results } = JSON.parse(exact) as { results: { series?: Series[]; error?: string }[] };
  if (results[0]?.error !== undefined) throw new Error(results[0].error);
  return results[0]?.series ?? [];
}

const key = fc
  .string({ unit: fc.constantFrom(..."abcXYZ019_-.:, =äß✓"), minLength: 1, maxLength: 12 })
  .map((name) => name.trim())
  .filter((name) => name !== "");
const fieldValue: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc
    .double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
    .filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.string({ unit: fc.constantFrom(..."ab \"'\\,=\n\täß✓🐝"), maxLength: 20 }),
);

run(`InfluxDB takes any point and gives it back as it was${what}`, async (t) => {
  const address = await influxdb(t);
  await query(address, 'CREATE DATABASE "skep"');
  let count = 0;
  const point = fc.record({
    tags: fc.dictionary(
      key.map((name) => `t${name}`),
      fc.string({ unit: fc.constantFrom(..."ab \"'\\,=äß✓🐝x"), minLength: 1, maxLength: 12 }),
      { noNullPrototype: true, maxKeys: 4 },
    ),
    fields: fc.dictionary(
      key.map((name) => `f${name}`),
      fieldValue,
      { noNullPrototype: true, minKeys: 1, maxKeys: 5 },
    ),
    time: fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }),
  });
  await fc.assert(
    fc.asyncProperty(point, async ({ tags, fields, time }) => {
      const measurement = `m ${count++},=é`;
      const given: Point = { measurement, category: "network", time, tags, fields };
      const body = lineProtocol(given);
      const written = await fetch(`${address}/write?db=skep&precision=ns`, { method: "POST", body });
      t.is(written.status, 204, `${await written.text()}\n${body}`);
      const [series] = await query(address, `SELECT * FROM "${measurement}" GROUP BY *`, "skep");
      // A backslash at the end of a tag cannot be said in line protocol and is left out.
      const expected = Object.entries(tags)
        .map(([name, value]) => [name, value.replace(/\\+$/, "")])
        .filter(([, value]) => value !== "");
      t.deepEqual(series?.tags ?? {}, Object.fromEntries(expected) as Record<string, string>);
      const [row] = series!.values;
      const found = Object.fromEntries(series!.columns.map((column, index) => [column, row![index]]));
      t.is(found["time"], `int:${time}`);
      delete found["time"];
      const meant = Object.entries(fields).map(([name, value]) => [
        name,
        typeof value === "bigint" ? `int:${value}` : value,
      ]);
      t.deepEqual(found, Object.fromEntries(meant));
    }),
    { numRuns: 60 },
  );
});
