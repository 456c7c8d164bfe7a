// SPDX-License-Identifier: MIT

import type { Observation } from "./observe.js";
import type { Tally } from "./trees.js";

const percent = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(2)} %`);

function rows(title: string, tallies: ReadonlyMap<string, Tally>): string[][] {
  return [...tallies].map(([name, { expected, right, unlinked, missing, wrong }]) => [
    title,
    name,
    percent(right, expected),
    ...[expected, unlinked, missing, wrong].map(String),
  ]);
}

/** A run in a table. */
export function tableOf(concurrency: number, { seconds, spans, verdict }: Observation): string {
  const { requests, wholeTrees, wholeAsKnowable, servers, inside, between, wrong, duplicates, others } = verdict;
  const lines = [
    ["", "", "right", "of", "unlinked", "missing", "wrong"],
    ...rows("server", servers),
    ...rows("inside", inside),
    ...rows("between", between),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  return [
    `concurrency ${concurrency}: ${requests} requests in ${seconds.toFixed(1)} s (${(requests / seconds).toFixed(0)}/s), ${spans} spans`,
    `whole trees ${percent(wholeTrees, requests)}, but for what cannot be known ${percent(wholeAsKnowable, requests)}, WRONG PARENTS ${wrong.length}, duplicates ${duplicates}, of no request ${others}`,
    ...wrong.slice(0, 5).map((what) => `  wrong: ${what}`),
    ...table,
  ].join("\n");
}
