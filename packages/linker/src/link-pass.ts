// SPDX-License-Identifier: MIT

import { assign, type AssignOptions, type SpanSource } from "./assign.js";
import type { Link } from "./link.js";
import { State } from "./span-columns.js";
import type { SpanWindow } from "./span-window.js";
import type { LinkerCounts } from "./status.js";
import { type Tree, treesAround } from "./trees.js";

/** Spans of an export. */
const BATCH = 512;

type PassCounts = Pick<
  LinkerCounts,
  "linked" | "roots" | "ambiguous" | "cycle" | "oneEnded" | "joinedLate" | "traces" | "sampledOut"
>;

/** Trees that are linked in one go, to be stored in one transaction. Spans in it count as linked from then on, or {@link undo} it. */
export class LinkPass {
  readonly links: [seq: number, link: Link][] = [];
  /** Sequence numbers of what is to be exported. */
  readonly batches: number[][] = [];
  readonly counts: PassCounts = {
    linked: 0,
    roots: 0,
    ambiguous: 0,
    cycle: 0,
    oneEnded: 0,
    joinedLate: 0,
    traces: 0,
    sampledOut: 0,
  };

  constructor(
    private readonly window: SpanWindow,
    private readonly source: SpanSource,
    private readonly options: AssignOptions,
  ) {}

  /** Links all that hangs together with a span; nothing when it is linked already. */
  linkAround(seed: number): void {
    if (this.window.is(seed, State.linked)) return;
    const { trees, cycle } = treesAround(this.window, seed);
    this.counts.cycle += cycle;
    for (const tree of trees) this.#link(tree);
  }

  /** The spans wait again. */
  undo(): void {
    for (const [seq] of this.links) this.window.clear(seq, State.linked | State.settled);
  }

  #link(tree: Tree): void {
    const links = assign(tree, this.window, this.source, this.options);
    const { sampled } = links[0]!;
    const isRoot = tree.joins < 0;
    this.counts.linked += tree.spans.length - (isRoot ? 1 : 0);
    this.counts.joinedLate += isRoot ? 0 : 1;
    this.counts.traces += isRoot ? 1 : 0;
    this.counts.roots += isRoot ? 1 : 0;
    if (isRoot && this.window.isAmbiguous(tree.spans[0]!)) this.counts.ambiguous++;
    else if (isRoot && this.window.is(tree.spans[0]!, State.incoming)) this.counts.oneEnded++;
    if (!sampled) this.counts.sampledOut += tree.spans.length;
    tree.spans.forEach((seq, index) => {
      this.links.push([seq, links[index]!]);
      this.window.set(seq, sampled ? State.linked : State.linked | State.settled);
      if (this.#isUnanswered(seq)) this.counts.oneEnded++;
      if (sampled) this.#export(seq);
    });
  }

  /** Nobody has seen what became of a call. */
  #isUnanswered(seq: number): boolean {
    if (this.window.is(seq, State.incoming)) return false;
    const callee: number[] = [];
    this.window.childrenOf(seq, callee);
    return callee.length === 0;
  }

  #export(seq: number): void {
    const batch = this.batches.at(-1);
    if (batch !== undefined && batch.length < BATCH) batch.push(seq);
    else this.batches.push([seq]);
  }
}
