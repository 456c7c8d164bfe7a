// SPDX-License-Identifier: MIT
// The requests of these tests say in their paths which is which: /r/7 is answered with the help of /b/7.
import { Agent } from "node:http";
import { type Exporter, type Point, spanLinkOf } from "@skep/core";
import { Linker } from "@skep/linker";
import type { ExecutionContext } from "ava";
import { get } from "./peers.js";

/** Asks `count` times, each port one request at a time, on a connection that is kept. */
export async function askAll(ports: readonly number[], count: number): Promise<void> {
  let next = 0;
  const ask = async (port: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let id = next++; id < count; id = next++) await get(port, `/r/${id}?of=${count}`, agent);
    agent.destroy();
  };
  await Promise.all(ports.map(ask));
}

/** What became of each request: was the call for it tied to it, or to none. */
export interface Trees {
  /** Requests of which the whole tree came out: entry, exit, entry. */
  readonly whole: number;
  /** Spans whose parent is of another request. */
  readonly wrong: readonly string[];
}

/** Has an independent linker make trees of the spans. */
export async function treesOf(spans: readonly Point[]): Promise<Trees> {
  const points: Point[] = [];
  const exporter: Exporter = { name: "collected", export: (batch) => void points.push(...batch) };
  const linker = new Linker({ exporters: [exporter] });
  linker.receive(spans);
  await linker.flush();
  await linker.close();
  const byId = new Map(points.map((span) => [spanLinkOf(span)!.spanId, span]));
  const parentOf = (span: Point | undefined): Point | undefined =>
    span && byId.get(spanLinkOf(span)!.parentSpanId ?? "");
  const wrong = points.filter((span) => {
    const parent = parentOf(span);
    return parent !== undefined && numberOf(parent) !== numberOf(span);
  });
  const whole = points.filter((span) => {
    const path = [span, parentOf(span), parentOf(parentOf(span))].map(nameOf);
    return path.join() === `entry /b/,exit /b/,entry /r/` && parentOf(parentOf(parentOf(span))) === undefined;
  });
  return { whole: whole.length, wrong: wrong.map(({ fields }) => String(fields["resource"])) };
}

/** Every request has its whole tree, and no span another's parent. */
export async function exactTrees(t: ExecutionContext, spans: readonly Point[], count: number): Promise<void> {
  t.deepEqual(await treesOf(spans), { whole: count, wrong: [] });
}

const routeOf = ({ fields }: Point): string => String(fields["http_route"]);
const numberOf = (span: Point): string => routeOf(span).replace(/^\/[rb]\//, "");
const nameOf = (span: Point | undefined): string =>
  span === undefined ? "" : `${String(span.fields["span_type"])} ${routeOf(span).replace(/\d+$/, "")}`;
