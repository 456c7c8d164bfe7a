// SPDX-License-Identifier: MIT

import { ExportError, type Exporter, isLinkedSpan, type Point, SkepError } from "@skep/core";
import { Linker } from "./linker.js";
import type { LinkerOptions } from "./options.js";

/**
 * The same exporters for an agent that links its own spans: with one host traces need no server. Spans go to a linker in this
 * process, and the exporters get them when they are linked; everything else they get as before. The linker closes with them, and
 * links what waits.
 *
 * ```ts
 * createAgent({ exporters: linkingExporters([otlp, datakit], { windowMs: 5_000 }), ... })
 * ```
 */
export function linkingExporters(
  exporters: readonly Exporter[],
  options: Omit<LinkerOptions, "exporters"> = {},
): readonly Exporter[] {
  const shared = exporters.map(oneAtATime);
  const linker = new Linker({ ...options, exporters: shared.map(({ flush: _f, close: _c, ...exporter }) => exporter) });
  return [
    {
      name: "linker",
      accepts: isUnlinked,
      export: (points) => receive(linker, points),
      close: () => linker.close(),
    },
    ...shared.map((exporter): Exporter => ({
      ...exporter,
      accepts: (point) => !isUnlinked(point) && accepts(exporter, point),
      // The last traces come when the linker closes.
      async flush(context) {
        await linker.close();
        await exporter.flush?.(context);
      },
    })),
  ];
}

const isUnlinked = (point: Point): boolean => point.category === "tracing" && !isLinkedSpan(point);

function accepts({ accepts: wanted }: Exporter, point: Point): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === "function" ? wanted(point) : wanted.includes(point.measurement);
}

/** Agent and linker both export, and an exporter is never called twice at once. */
function oneAtATime(exporter: Exporter): Exporter {
  let before: Promise<unknown> = Promise.resolve();
  return {
    name: exporter.name,
    ...(exporter.accepts && { accepts: exporter.accepts }),
    ...(exporter.batchPoints && { batchPoints: exporter.batchPoints }),
    export(points, context) {
      const turn = before.then(() => exporter.export(points, context));
      before = turn.catch(() => {});
      return turn;
    },
    flush: (context) => exporter.flush?.(context),
    close: () => exporter.close?.(),
  };
}

/** No room now may be room later: core keeps the points and comes again. */
function receive(linker: Linker, points: readonly Point[]): void {
  try {
    linker.receive(points);
  } catch (cause) {
    if (!(cause instanceof SkepError)) throw cause;
    throw new ExportError(cause.message, { retryable: cause.code === "SKEP_ERR_LINKER_FULL", cause });
  }
}
