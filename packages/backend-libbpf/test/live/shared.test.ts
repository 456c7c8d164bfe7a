// SPDX-License-Identifier: MIT

import { until } from "@skep/testkit";
import test from "ava";
import type { OpenRequest, SkepError } from "@skep/core";
import { libbpfBackend } from "../../src/index.js";
import { compile } from "./support/compile.js";
import { inKernel, nothingLeft } from "./support/kernel.js";
import { request } from "./support/request.js";

const [a, b, misfit] = [await compile("shared_a"), await compile("shared_b"), await compile("shared_misfit")];
const counting = (object: string, program: string) =>
  ({
    object,
    observes: "getppid",
    strategies: [{ name: "raw", programs: { [program]: { kind: "raw_tp", event: "sys_enter" } } }],
  }) as const;
const ask = (objects: Record<string, Uint8Array>): OpenRequest =>
  request({
    objects,
    probes: { a: counting("a", "count_in_a"), b: counting("b", "count_in_b") },
    rodata: { shared_tgid: process.pid },
    mapEntries: { shared_counts: 4 },
  });

test.serial("maps of equal name in two objects are one map in the kernel", async (t) => {
  const backend = libbpfBackend();
  t.teardown(() => backend.close());
  const session = await backend.open(ask({ a, b }));
  await until(() => inKernel(["shared_counts"]).maps === 1, {
    what: "the maps of the trials are gone and one is left",
    deadlineMs: 10_000,
  });
  t.is(session.map("shared_counts").maxEntries, 4);
  await session.attach();
  for (let count = 0; count < 7; count++) void process.ppid;
  const seen: number[][] = [];
  await session.map("shared_counts").scan((key, value) => {
    seen.push([key.u32[key.at >> 2]!, value.u32[value.at >> 2]!]);
  });
  t.deepEqual(
    seen.sort(([one = 0], [two = 0]) => one - two),
    [
      [1, 7],
      [2, 7],
    ],
  );
});

test.serial("maps of equal name that differ are refused with both shapes, and nothing stays", async (t) => {
  const error = await t.throwsAsync<SkepError>(libbpfBackend().open(ask({ a, b: misfit })));
  t.is(error?.code, "SKEP_ERR_OBJECT");
  t.regex(error?.message ?? "", /hash of 4 -> 8 bytes in object a and a hash of 4 -> 4 bytes in object b/);
  t.true(await nothingLeft(["count_in_a", "count_in_b", "shared_counts"]));
});

test.serial("a group must say its object when there are several", async (t) => {
  const { object: _, ...vague } = counting("a", "count_in_a");
  const error = await t.throwsAsync<SkepError>(libbpfBackend().choose({ ...ask({ a, b }), probes: { a: vague } }));
  t.regex(error?.message ?? "", /probe group a does not say which object it is in: a, b/);
});
