// SPDX-License-Identifier: MIT

export type { Call } from "./call.js";
export { type CallSink, type Decoder, otherSide, type Passage, type Segment, Side, type Turn } from "./decoder.js";
export { latin1 } from "./latin1.js";
export { Budget } from "./stream/budget.js";
export {
  Conversation,
  type ConversationStart,
  type KnownOpening,
  type Outcome,
  type UnknownOpening,
} from "./stream/conversation.js";
export type { Detected, Detector } from "./stream/detector.js";
export { type Reader, Reassembly } from "./stream/reassembly.js";
export { Exchange } from "./http/exchange.js";
export { Http1Connection, type Http1Start } from "./http/http1/connection.js";
export { looksLikeRequest } from "./http/http1/start-line.js";
export { Http2Connection, type Http2Start } from "./http/http2/connection.js";
export { PREFACE as HTTP2_PREFACE } from "./http/http2/frame.js";
export { type FieldListener, HeaderDecoder } from "./http/http2/header-decoder.js";
export { type RequestLine, requestLineOf, type RequestParts, splitRequestLine } from "./http/request-line.js";
export { type Headers, WantedHeaders } from "./http/wanted-headers.js";
