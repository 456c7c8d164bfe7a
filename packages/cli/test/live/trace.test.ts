// SPDX-License-Identifier: MIT
// Traces of one host with one command, and without any server.
import { fileURLToPath } from "node:url";
import { liveTests } from "@skep/testkit";
import test from "ava";
import { buildWorkingTree, pointsOf, runProgram, skep } from "./skep.js";

const live = await liveTests(test, ["root", "cgroup2", "tp_btf"]);

test.before("build", () => buildWorkingTree());

/** A client, a proxy and a server; a request `/r/1` has a call `/b/1` behind it. */
const scene = fileURLToPath(new URL("../../../plugin-trace/test/golden/scene.mjs", import.meta.url));

live(
  ["root", "cgroup2", "tp_btf"],
  "`skep run --enabled ebpf-trace -- COMMAND` tells whole traces of the command",
  async (t) => {
    const command = ["env", "OTEL_SERVICE_NAME=shop", process.execPath, scene];
    const ended = await runProgram([skep, "run", "--enabled", "ebpf-trace", "--output", "ndjson", "--", ...command]);
    t.is(ended.status, 0, ended.stderr);
    const spans = pointsOf(ended).map(({ tags, fields }) => ({ service: tags["service"], ...fields }) as Span);
    const byId = new Map(spans.map((span) => [span.span_id, span]));
    const pathTo = (span: Span | undefined): readonly string[] =>
      span === undefined ? [] : [...pathTo(byId.get(span.ebpf_parent_id)), `${span.span_type} ${span.resource}`];
    for (const id of ["1", "2", "3", "traced", "broken"]) {
      const last = spans.find(({ resource, span_type }) => resource === `GET /b/${id}` && span_type === "entry");
      t.deepEqual(pathTo(last), [`exit GET /r/${id}`, `entry GET /r/${id}`, `exit GET /b/${id}`, `entry GET /b/${id}`]);
    }
    t.deepEqual(new Set(spans.map(({ service }) => service)), new Set(["shop"]));
  },
);

interface Span {
  readonly service: string;
  readonly span_id: string;
  readonly ebpf_parent_id: string;
  readonly span_type: string;
  readonly resource: string;
}
