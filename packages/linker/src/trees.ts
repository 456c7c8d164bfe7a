// SPDX-License-Identifier: MIT

import { State } from "./span-columns.js";
import type { SpanWindow } from "./span-window.js";

/** Spans that hang together, parents before children. */
export interface Tree {
  /** Sequence numbers. */
  readonly spans: readonly number[];
  /** For each span its parent's index in `spans`; -1 for the first. */
  readonly parents: readonly number[];
  /** Sequence number of a span linked before, whose child the first one is; -1: the first one is a root. */
  readonly joins: number;
}

export interface Trees {
  readonly trees: readonly Tree[];
  /** Spans that were each other's cause in a circle; each became the root of what hangs on it. */
  readonly cycle: number;
}

/**
 * The trees of all unlinked spans that hang together with this one. A span has one parent at most, so that is one tree, or one circle
 * with trees on it. Nothing here recurses: a chain may be as long as the window.
 */
export function treesAround(window: SpanWindow, seed: number): Trees {
  const { members, parents, joins } = gather(window, seed);
  const children = childLists(parents);
  const cycle = cycleOf(parents);
  for (const member of cycle) parents[member] = -1;
  const trees: Tree[] = [];
  for (let member = 0; member < members.length; member++) {
    if (parents[member] === -1) trees.push(treeFrom(member));
  }
  return { trees, cycle: cycle.length };

  function treeFrom(root: number): Tree {
    const order = [root];
    const places = [-1];
    for (let place = 0; place < order.length; place++) {
      for (let child = children.first[order[place]!]!; child >= 0; child = children.next[child]!) {
        if (parents[child] === -1) continue; // cut
        order.push(child);
        places.push(place);
      }
    }
    return { spans: order.map((member) => members[member]!), parents: places, joins: joins.get(root) ?? -1 };
  }
}

interface Members {
  readonly members: number[];
  /** Index of each member's parent among the members; -1: none. */
  readonly parents: number[];
  /** Index of a member -> its parent, linked before. */
  readonly joins: ReadonlyMap<number, number>;
}

/** Walks from span to parent and children, and marks each with its index. */
function gather(window: SpanWindow, seed: number): Members {
  const members = [seed];
  const parentSpans: number[] = [];
  const joins = new Map<number, number>();
  const neighbours: number[] = [];
  window.setMark(seed, 1);
  for (let at = 0; at < members.length; at++) {
    const parent = window.parentOf(members[at]!);
    parentSpans.push(parent);
    if (parent >= 0 && !window.is(parent, State.linked)) neighbours.push(parent);
    else if (parent >= 0) joins.set(at, parent);
    window.childrenOf(members[at]!, neighbours);
    for (const span of neighbours) {
      if (window.mark(span) !== 0 || window.is(span, State.linked)) continue;
      members.push(span);
      window.setMark(span, members.length);
    }
    neighbours.length = 0;
  }
  const parents = parentSpans.map((parent, at) => (parent < 0 || joins.has(at) ? -1 : window.mark(parent) - 1));
  for (const span of members) window.setMark(span, 0);
  return { members, parents, joins };
}

/** Children of each member as linked lists, in the order of members. */
function childLists(parents: readonly number[]): { readonly first: Int32Array; readonly next: Int32Array } {
  const first = new Int32Array(parents.length).fill(-1);
  const next = new Int32Array(parents.length).fill(-1);
  for (let member = parents.length - 1; member >= 0; member--) {
    const parent = parents[member]!;
    if (parent < 0) continue;
    next[member] = first[parent]!;
    first[parent] = member;
  }
  return { first, next };
}

/** The members of the circle, if there is one: following parents from anywhere ends in it, as every span has one. */
function cycleOf(parents: readonly number[]): number[] {
  if (parents.includes(-1)) return [];
  const seen = new Uint8Array(parents.length);
  let at = 0;
  while (seen[at] === 0) {
    seen[at] = 1;
    at = parents[at]!;
  }
  const cycle = [at];
  for (let next = parents[at]!; next !== at; next = parents[next]!) cycle.push(next);
  return cycle;
}
