// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { spanIdOf, traceIdOf } from "./ids.js";
import { appTraceOf, type Link } from "./link.js";
import { chanceKeeps } from "./sampling.js";
import { State } from "./span-columns.js";
import type { SpanWindow } from "./span-window.js";
import type { Tree } from "./trees.js";

export interface AssignOptions {
  /** A trace of the application's own goes before what was observed. */
  readonly useAppTraceId: boolean;
  /** Share of the traces to keep that no application has decided about, 0 to 1. */
  readonly samplingRate: number;
}

/** What is known outside the window. */
export interface SpanSource {
  /** The span as it came. */
  point(seq: number): Point;
  /** What was found out about it before. */
  link(seq: number): Link;
}

/**
 * Ids for every span of a tree, in its order.
 *
 * A tree is kept or dropped as a whole: dropped if an application rejects any of its spans, else kept if one wants any, else
 * by chance. What joins a trace that was linked before shares that trace's fate.
 *
 * With `useAppTraceId` a span that carries a trace of the application's takes it, with the parent it names, and hands the trace on
 * to what follows from it.
 */
export function assign(tree: Tree, window: SpanWindow, source: SpanSource, options: AssignOptions): Link[] {
  const joined = tree.joins < 0 ? undefined : source.link(tree.joins);
  const ebpfTraceId = joined?.ebpfTraceId ?? traceIdOf(window.identityOf(tree.spans[0]!));
  const sampled = joined?.sampled ?? isKept(tree, window, ebpfTraceId, options.samplingRate);
  const links: Link[] = [];
  tree.spans.forEach((seq, index) => {
    const parent = tree.parents[index]! < 0 ? joined : links[tree.parents[index]!];
    const ebpfParentId = parent?.spanId ?? "0";
    const app = options.useAppTraceId && window.is(seq, State.appTrace) ? appTraceOf(source.point(seq)) : undefined;
    links.push({
      spanId: spanIdOf(window.identityOf(seq)),
      ebpfTraceId,
      ebpfParentId,
      traceId: app?.traceId ?? parent?.traceId ?? ebpfTraceId,
      parentId: app === undefined || app.parentId === "0" ? ebpfParentId : app.parentId,
      sampled,
    });
  });
  return links;
}

function isKept(tree: Tree, window: SpanWindow, traceId: string, rate: number): boolean {
  if (tree.spans.some((seq) => window.is(seq, State.reject))) return false;
  return tree.spans.some((seq) => window.is(seq, State.keep)) || chanceKeeps(traceId, rate);
}
