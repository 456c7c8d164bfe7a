// SPDX-License-Identifier: MIT
// httpflow against what was really said, and against tshark's view of the same packets, on generated conversations.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import { liveTests, spawnIn } from "@skep/testkit";
import test, { type ExecutionContext } from "ava";
import { type Conversation, conversations, type Exchanged } from "./differential/script.js";
import { capture, dissect, type Dissected } from "./differential/tshark.js";
import { nothingUnaccounted, observer } from "./observe.js";

const peers = fileURLToPath(new URL("differential/peers.mjs", import.meta.url));
const port = 80;
/** Another seed, other conversations; what fails under one fails under it again. */
const seed = Number(process.env["SKEP_SEED"] ?? 20_261_122);
/** tshark loses its place in some oddities that are none to an HTTP peer; more than this share would be ours. */
const tsharkErrs = 0.04;

let made = 0;

/** A network namespace with nothing but loopback. */
function loopbackOnly(t: ExecutionContext): string {
  const name = `skep-differential-${process.pid}-${made++}`;
  execFileSync("ip", ["netns", "add", name]);
  t.teardown(() => execFileSync("ip", ["netns", "del", name]));
  execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
  return name;
}

const pathOf = (target: string): string => target.replace(/^http:\/\/[^/]*/, "").replace(/\?.*$/, "");

/** What a point of one exchange says, from the client's side. */
const saidBy = ({ tags, fields }: Point): string => {
  const serves = tags["direction"] === "incoming";
  const [requestBytes, responseBytes] = serves
    ? [fields["bytes_read"], fields["bytes_written"]]
    : [fields["bytes_written"], fields["bytes_read"]];
  return [
    fields["count"],
    fields["method"],
    fields["http_version"],
    fields["status_code"],
    requestBytes,
    responseBytes,
  ].join(" ");
};
const truthOf = ({ method, version, status, requestBytes, responseBytes }: Exchanged): string =>
  [1, method, version, status, requestBytes, responseBytes].join(" ");

function compareWithTruth(t: ExecutionContext, points: readonly Point[], script: readonly Conversation[]): void {
  for (const direction of ["outgoing", "incoming"]) {
    const seen = new Map<string, string[]>();
    for (const point of points.filter(({ tags }) => tags["direction"] === direction)) {
      const path = String(point.fields["path"]);
      seen.set(path, [...(seen.get(path) ?? []), saidBy(point)]);
    }
    const wrong: string[] = [];
    for (const exchange of script.flatMap(({ exchanges }) => exchanges)) {
      const path = pathOf(exchange.target);
      const found = seen.get(path)?.join(", ") ?? "nothing";
      if (found !== truthOf(exchange)) wrong.push(`${path}: ${found} instead of ${truthOf(exchange)}`);
      seen.delete(path);
    }
    t.deepEqual(wrong.slice(0, 20), [], `${direction}: ${wrong.length} exchanges are told wrongly`);
    t.deepEqual([...seen.keys()].slice(0, 20), [], `${direction}: ${seen.size} exchanges were never made`);
  }
}

const requestsOf = (exchanges: readonly Exchanged[]): string =>
  exchanges.map(({ method, target }) => `${method} ${target}`).join("\n");
const statusesOf = (exchanges: readonly Exchanged[]): string =>
  exchanges
    .map(({ status }) => status)
    .filter((status) => status !== 0)
    .join(" ");

/** tshark's lists are those of the script, which ours have been found equal to: the same exchanges in the same order. */
function compareWithTshark(
  t: ExecutionContext,
  script: readonly Conversation[],
  ports: readonly number[],
  dissected: ReadonlyMap<number, Dissected>,
): void {
  const differing = script.filter(({ exchanges }, index) => {
    const { requests, statuses } = dissected.get(ports[index]!) ?? { requests: [], statuses: [] };
    const asked = requests.map(({ method, target }) => `${method} ${target}`).join("\n");
    return asked !== requestsOf(exchanges) || statuses.join(" ") !== statusesOf(exchanges);
  });
  t.log(`tshark agrees on ${script.length - differing.length} of ${script.length} conversations`);
  t.true(differing.length <= script.length * tsharkErrs, `tshark differs on ${differing.length} conversations`);
}

const needs = ["root", "cgroup2", "tp_btf", "netns"];
const register = await liveTests(test, [...needs, "command:tshark"]);

/** Emulation has not the time for more. */
const many = process.env["SKEP_KERNEL"] === undefined ? 10_000 : 300;

async function differ(t: ExecutionContext, { withTshark }: { readonly withTshark: boolean }): Promise<void> {
  t.timeout(240_000);
  const script = conversations(many, seed, withTshark);
  const folder = mkdtempSync(join(tmpdir(), "skep-differential-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [scriptFile, packetFile] = [join(folder, "script.json"), join(folder, "packets.pcapng")];
  writeFileSync(scriptFile, JSON.stringify(script));
  const name = loopbackOnly(t);
  const observed = await observer(t, { config: { ephemeral_port: 0, l7net_enabled: ["httpflow"] } });
  const capturing = withTshark ? await capture(name, packetFile) : undefined;

  const where = { cgroup: observed.cgroup, netns: { name } };
  const talk = spawnIn(t, where, process.execPath, [peers, scriptFile, "127.0.0.1", String(port)]);
  const ports = JSON.parse((await talk.lines.next()).value as string) as number[];
  t.is((await talk.exited).code, 0);
  await capturing?.stop();

  const points = (await observed.flush()).filter(({ measurement }) => measurement === "httpflow");
  t.deepEqual(observed.status().counters.dropped, {});
  compareWithTruth(t, points, script);
  nothingUnaccounted(t, observed.status());
  if (withTshark) compareWithTshark(t, script, ports, dissect(packetFile, port));
}

register(needs, `${many} generated exchanges, with every oddity, are told exactly`, (t) =>
  differ(t, { withTshark: false }),
);

register(
  [...needs, "command:tshark"],
  `${many} generated exchanges are told exactly, and tshark sees the same ones in the same order`,
  (t) => differ(t, { withTshark: true }),
);
