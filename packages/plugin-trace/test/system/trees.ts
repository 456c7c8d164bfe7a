// SPDX-License-Identifier: MIT

import { kindOf, type PlacedCall } from "./topology.js";

/** A linked span, from whichever reader. */
export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root. */
  readonly parentSpanId: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What became of what was expected: `right` is seen with its true parent, `unlinked` seen without any. */
export interface Tally {
  expected: number;
  right: number;
  unlinked: number;
  missing: number;
  wrong: number;
}

/** How the traces compare with the trees that were really called. */
export interface Verdict {
  readonly requests: number;
  /** Requests whose every span is there, with its true parent. */
  readonly wholeTrees: number;
  /** The same, but for calls that nobody can know the cause of. */
  readonly wholeAsKnowable: number;
  /** Kind of server -> its requests; right when every call made for one, of which that can be known, has it as parent. */
  readonly servers: ReadonlyMap<string, Tally>;
  /** `front > python`: calls made inside a server, whose parent is the request it works for. */
  readonly inside: ReadonlyMap<string, Tally>;
  /** Same names: requests as the called server sees them, whose parent is the call at the other end of the connection. */
  readonly between: ReadonlyMap<string, Tally>;
  /** Spans with a parent that is not theirs, in words. Must be empty. */
  readonly wrong: readonly string[];
  /** Spans of one end of one call beyond the first. */
  readonly duplicates: number;
  /** Spans of no request: what drivers say to servers on connections that are new. */
  readonly others: number;
}

/** Fields that say which call of which request a span is, by protocol. */
export const telling = ["http_route", "pgsql_comment", "mysql_comment", "amqp_routing_key", "resource"];

/** `7 nginx/go/python incoming`; undefined for a span of no request. */
export function endOf({ fields }: Pick<SeenSpan, "fields">): string | undefined {
  for (const field of telling) {
    const [, id, place] = /\/work\/(\d+)\/([a-z]+(?:\/[a-z]+)*)/.exec(String(fields[field] ?? "")) ?? [];
    if (place !== undefined) return `${id} ${place} ${String(fields["direction"])}`;
  }
  return undefined;
}

/**
 * Compares spans with the trees of the requests `first`, `first + 1`... A span's true parent is known from what it asks for alone:
 * that of an incoming request is the outgoing one with the same path, that of an outgoing one the incoming one of the path above.
 */
export function compareTrees(
  spans: readonly SeenSpan[],
  calls: readonly PlacedCall[],
  { first, count }: { readonly first: number; readonly count: number },
): Verdict {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const byEnd = new Map<string, SeenSpan>();
  let [duplicates, others] = [0, 0];
  for (const span of spans) {
    const end = endOf(span);
    if (end === undefined) others++;
    else if (byEnd.has(end)) duplicates++;
    else byEnd.set(end, span);
  }
  const [servers, inside, between] = [new Tallies(), new Tallies(), new Tallies()];
  const parents = new Map(calls.map(({ place, parent }) => [place, parent]));
  const wrong = spans.flatMap((span) => wrongParent(span, byId, parents) ?? []);

  const fateOf = (end: string, trueParent: string | undefined): Fate => {
    const span = byEnd.get(end);
    if (span === undefined) return "missing";
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
    if (parent === undefined) return trueParent === undefined && span.parentSpanId === undefined ? "right" : "unlinked";
    return endOf(parent) === trueParent ? "right" : "wrong";
  };

  let [wholeTrees, wholeAsKnowable] = [0, 0];
  for (let id = first; id < first + count; id++) {
    const served = new Map<string, Fate[]>();
    let [isWhole, isWholeAsKnowable] = [true, true];
    for (const { place, parent, caller, callee, isUnknowable } of calls) {
      const edge = `${caller} > ${callee}`;
      const fates: Fate[] = [];
      if (parent !== undefined) {
        const fate = inside.add(edge, fateOf(`${id} ${place} outgoing`, `${id} ${parent} incoming`));
        fates.push(fate);
        if (!isUnknowable) served.set(parent, [...(served.get(parent) ?? []), fate]);
      }
      const cause = parent === undefined ? undefined : `${id} ${place} outgoing`;
      fates.push(between.add(edge, fateOf(`${id} ${place} incoming`, cause)));
      const isRight = fates.every((fate) => fate === "right");
      isWhole &&= isRight;
      isWholeAsKnowable &&= isRight || isUnknowable;
    }
    for (const { place, callee } of calls) {
      const fates = served.get(place);
      const kind = kindOf[callee.replace(/, .*/, "")];
      if (fates === undefined || kind === undefined) continue;
      servers.add(kind, byEnd.has(`${id} ${place} incoming`) ? worst(fates) : "missing");
    }
    if (isWhole) wholeTrees++;
    if (isWholeAsKnowable) wholeAsKnowable++;
  }
  return {
    requests: count,
    wholeTrees,
    wholeAsKnowable,
    servers: servers.all,
    inside: inside.all,
    between: between.all,
    wrong,
    duplicates,
    others,
  };
}

type Fate = "right" | "unlinked" | "missing" | "wrong";

const worst = (fates: readonly Fate[]): Fate =>
  (["wrong", "missing", "unlinked"] as const).find((fate) => fates.includes(fate)) ?? "right";

class Tallies {
  readonly all = new Map<string, Tally>();

  add(name: string, fate: Fate): Fate {
    const tally = this.all.get(name) ?? { expected: 0, right: 0, unlinked: 0, missing: 0, wrong: 0 };
    tally.expected++;
    tally[fate]++;
    this.all.set(name, tally);
    return fate;
  }
}

/** What is wrong with a span's parent, of whatever request; a span without one is never wrong. */
function wrongParent(
  span: SeenSpan,
  byId: ReadonlyMap<string, SeenSpan>,
  parents: ReadonlyMap<string, string | undefined>,
): string | undefined {
  if (span.parentSpanId === undefined) return undefined;
  const own = endOf(span);
  const parent = byId.get(span.parentSpanId);
  if (parent === undefined) return `${own ?? "a span"} has a parent that nobody saw`;
  const said = endOf(parent);
  if (parent.traceId !== span.traceId) return `${own ?? "a span"} is in another trace than its parent`;
  // Whose a span without a place is cannot be told, but nothing is caused by it: its other end, perhaps.
  if (own === undefined) return undefined;
  const [id, place = "", direction] = own.split(" ");
  const above = parents.get(place);
  const truth = direction === "incoming" ? `${id} ${place} outgoing` : `${id} ${above} incoming`;
  const hasNone = direction === "incoming" && parents.has(place) && above === undefined;
  return said === truth && !hasNone ? undefined : `${own} has the parent ${said ?? "of no request"}`;
}
