// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import test from "ava";
import { EventFlag, EventKind, LINE_LONG, OrderKind } from "../../../src/httpflow/contract.js";

const header = readFileSync(new URL("../../../bpf/http.h", import.meta.url), "utf8");

/** Members of a C enum whose values are written out. */
function membersOf(name: string): Record<string, number> {
  const body = new RegExp(`enum ${name} \\{(.*?)\\n\\};`, "s").exec(header)![1]!;
  return Object.fromEntries(
    [...body.matchAll(/HTTP_(\w+) = (\d+)/g)].map(([, member, value]) => [member, Number(value)]),
  );
}

test("the kernel and user space mean the same by the same number", (t) => {
  t.deepEqual(membersOf("http_event_kind"), { ...EventKind });
  t.deepEqual(membersOf("http_flag"), { ...EventFlag });
  t.deepEqual(membersOf("http_order_kind"), { ...OrderKind });
  t.is(LINE_LONG, Number(/HTTP_LINE_LONG (\d+)/.exec(header)![1]));
});
