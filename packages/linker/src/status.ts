// SPDX-License-Identifier: MIT

/** What a linker has counted since it was made. Every received span is one of accepted, duplicate, invalid or refused. */
export interface LinkerCounts {
  received: number;
  accepted: number;
  /** Copies of spans that are in the window. */
  duplicate: number;
  /** Lack what linking needs, or are too large. */
  invalid: number;
  /** There was no room; whoever sent them was told to come again. */
  refused: number;
  /** Spans that got ids: with a parent, and as roots. */
  linked: number;
  roots: number;
  /** Roots because more than one span could be their parent. */
  ambiguous: number;
  /** Roots because they were each other's cause in a circle. */
  cycle: number;
  /** Exchanges of which only one end was there when it was linked: the other has no agent, was lost, or came later. */
  oneEnded: number;
  /** Joined a trace that had been linked before them. */
  joinedLate: number;
  /** Had been linked as roots when their parent came. */
  parentTooLate: number;
  traces: number;
  /** Linked spans of traces that sampling dropped. */
  sampledOut: number;
  /** Linked spans that every exporter has taken or refused. */
  exported: number;
  /** Points an exporter refused for good. */
  exportRejected: number;
  /** Exports that failed, whether or not they were tried again. */
  exportFailures: number;
}

export const noCounts = (): LinkerCounts => ({
  received: 0,
  accepted: 0,
  duplicate: 0,
  invalid: 0,
  refused: 0,
  linked: 0,
  roots: 0,
  ambiguous: 0,
  cycle: 0,
  oneEnded: 0,
  joinedLate: 0,
  parentTooLate: 0,
  traces: 0,
  sampledOut: 0,
  exported: 0,
  exportRejected: 0,
  exportFailures: 0,
});

export interface LinkerStatus extends Readonly<LinkerCounts> {
  /** Spans in the window: those that wait, and those that linger after they were linked. */
  readonly held: number;
  /** Bytes of these spans in the store. */
  readonly heldBytes: number;
  /** Batches that wait for the exporters. */
  readonly pendingBatches: number;
  /** Why the last export failed. */
  readonly lastError: string | undefined;
}
