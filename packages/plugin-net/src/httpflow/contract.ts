// SPDX-License-Identifier: MIT
// The enums of bpf/http.h; contract.test.ts compares the two. What each means stands there.

/** enum http_event_kind */
export const EventKind = { EXCHANGE: 1, STREAM: 2, CHUNK: 3, END: 4 } as const;

/** enum http_flag */
export const EventFlag = {
  INCOMING: 1,
  WRITTEN: 2,
  TLS: 4,
  RESPONDED: 8,
  CONTINUED: 16,
  LAST: 32,
  OWNER_ASSUMED: 64,
  LINE_CUT: 128,
  PREFACE: 256,
  UNFRAMED: 512,
  MIDWAY: 1024,
} as const;

/** enum http_order_kind */
export const OrderKind = { IGNORE: 1, RESUME: 2, SKIP: 3 } as const;

/** Bytes of a request line that follow struct http_exchange in its long form. */
export const LINE_LONG = 1008;

/** Status codes have three digits. */
export const MAX_STATUS = 1000;
