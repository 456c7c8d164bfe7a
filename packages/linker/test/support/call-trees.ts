// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import fc from "fast-check";
import { endOf, type Exchange } from "./spans.js";

/** What happened: a span of each end of each call, and what truly caused it. */
export interface Truth {
  readonly spans: readonly { readonly name: string; readonly cause: string; readonly point: Point }[];
}

/** For each request which earlier one caused it, or none; where it was served; and how numbers were chosen. */
const requests = fc.array(
  fc.record({
    cause: fc.nat(),
    isRoot: fc.boolean(),
    process: fc.nat({ max: 4 }),
    clientSeen: fc.boolean(),
    seed: fc.nat(),
  }),
  { minLength: 1, maxLength: 60 },
);

/**
 * Random call trees over five processes on three hosts. With `small` numbers sequence numbers repeat all the time, on other
 * addresses, as they do not in kernels.
 */
export const callTrees: fc.Arbitrary<Truth> = fc
  .record({ requests, small: fc.boolean() })
  .map(({ requests: given, small }) => {
    const spans: { name: string; cause: string; point: Point }[] = [];
    given.forEach(({ cause, isRoot, process, clientSeen, seed }, n) => {
      const causedBy = n === 0 || isRoot ? undefined : cause % n;
      const exchange = exchangeFor(n, process, small ? seed % 3 : seed);
      const serving = { host: `host${process % 3}`, pid: process, thread: thread(n, process) };
      const caller = causedBy === undefined ? undefined : given[causedBy]!.process;
      if (causedBy !== undefined || clientSeen) {
        const calling =
          causedBy === undefined
            ? { host: "client", pid: 99, thread: thread(n, 99) }
            : { host: `host${caller! % 3}`, pid: caller!, thread: thread(causedBy, caller!) };
        const point = endOf(exchange, "outgoing", { name: `out${n}`, ...calling });
        spans.push({ name: `out${n}`, cause: causedBy === undefined ? "" : `in${causedBy}`, point });
      }
      const point = endOf(exchange, "incoming", { name: `in${n}`, ...serving });
      spans.push({ name: `in${n}`, cause: causedBy !== undefined || clientSeen ? `out${n}` : "", point });
    });
    return { spans };
  });

/** Connections differ by the client's port; every process listens on one of its own. */
function exchangeFor(n: number, process: number, seed: number): Exchange {
  return {
    client: `10.0.0.1:${10_000 + n}`,
    server: `10.0.0.${process}:80`,
    requestSeq: Math.imul(seed, 0x9e3779b1) >>> 0,
    responseSeq: Math.imul(seed, 0x85ebca6b) >>> 0,
  };
}

/** Ids of work are unique to the agent that gave them, no more: two hosts may use the same. */
const thread = (request: number, process: number): bigint => BigInt(request + 1) * 8n + BigInt(process % 2);
