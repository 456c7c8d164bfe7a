// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { contract } from "@skep/testkit";
import test from "ava";
import { EventFlag, EventKind, OrderKind } from "../../src/contract.js";
import { trace } from "../../src/index.js";

contract(test, trace, { module: new URL("../../src/index.ts", import.meta.url) });

const header = readFileSync(new URL("../../bpf/trace.h", import.meta.url), "utf8");

for (const [name, values] of Object.entries({ event_kind: EventKind, flag: EventFlag, order_kind: OrderKind })) {
  test(`the numbers of enum trace_${name} are the same on both sides`, (t) => {
    const body = new RegExp(`enum trace_${name} \\{([^}]*)\\}`).exec(header)?.[1] ?? "";
    const declared = [...body.matchAll(/TRACE_(\w+) = (\d+),/g)].map(([, key, value]) => [key, Number(value)]);
    t.deepEqual(Object.fromEntries(declared), values);
  });
}
