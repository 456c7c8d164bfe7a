// SPDX-License-Identifier: MIT
// The enums of bpf/trace.h; contract.test.ts compares the two. What each means stands there.

/** enum trace_event_kind */
export const EventKind = { OPEN: 1, CHUNK: 2, MARK: 3, CLOSE: 4 } as const;

/** enum trace_flag */
export const EventFlag = { WRITTEN: 1, MIDWAY: 2, UNSURE: 4 } as const;

/** enum trace_order_kind */
export const OrderKind = { IGNORE: 1, SKIP: 2, TELL: 3, MARKS: 4 } as const;
