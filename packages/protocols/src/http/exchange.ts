// SPDX-License-Identifier: MIT

import type { Call } from "../call.js";
import type { RequestParts } from "./request-line.js";
import { type Headers, NO_HEADERS } from "./wanted-headers.js";

/** A request and its response, as far as they have come. Times are ns as the kernel's clock counts them. */
export class Exchange implements Call {
  /** In HTTP/2, its stream; 0 otherwise. */
  stream = 0;
  /** What the request asks the connection to become, lower case: `websocket`, `h2c`. */
  upgrade = "";
  /** Of the request, those that are wanted. */
  headers: Headers = NO_HEADERS;
  /** Bytes that are kept of the request. */
  size: number;
  /** Of the final response; 0 without. */
  status = 0;
  /** Bytes since it was told last. */
  requestBytes = 0;
  responseBytes = 0;
  requestHeadEnd: number;
  requestEnd: number;
  responseAt = -1;
  /** First byte of the request, and its last one that came before the response. */
  firstNs: number;
  askedNs: number;
  respondedNs = 0;
  latencyNs = 0;
  /** Last byte of either so far. */
  lastNs: number;
  isRequestOver = false;
  isResponseOver = false;
  /** It was counted already: what is told from here on are only bytes. */
  isTold = false;
  /** `content-type`, `grpc-status` and `grpc-message` of an HTTP/2 response. */
  contentType = "";
  grpcStatus = "";
  grpcMessage = "";

  /**
   * @param firstNs when its first byte passed
   * @param requestAt offset of that byte; 0 as well where its request began before the conversation
   */
  constructor(
    readonly request: RequestParts,
    firstNs: number,
    readonly requestAt = 0,
  ) {
    this.firstNs = this.askedNs = this.lastNs = firstNs;
    this.requestHeadEnd = this.requestEnd = requestAt;
    this.size = request.target.length;
  }

  get hasResponse(): boolean {
    return this.status !== 0;
  }

  get isOver(): boolean {
    return this.isRequestOver && this.isResponseOver;
  }

  /** There is something to tell that was not told. */
  get hasNews(): boolean {
    return !this.isTold || this.requestBytes > 0 || this.responseBytes > 0;
  }

  /** The head of its request is over. */
  asksWith(headers: Headers, headEnd: number): void {
    this.requestHeadEnd = headEnd;
    this.headers = headers;
    for (const value of headers.values()) this.size += value.length;
  }

  /** Bytes of the request passed, up to offset `end`. */
  asked(bytes: number, timeNs: number, end: number): void {
    this.requestBytes += bytes;
    this.requestEnd = end;
    this.lastNs = Math.max(this.lastNs, timeNs);
    if (!this.hasResponse) this.askedNs = Math.max(this.askedNs, timeNs);
  }

  /** Bytes of the response passed. */
  answered(bytes: number, timeNs: number): void {
    this.responseBytes += bytes;
    this.lastNs = Math.max(this.lastNs, timeNs);
  }

  /**
   * Its final response has a head.
   * @param askedNs last byte of the request before the first of that head, at `timeNs`
   * @param responseAt offset of that first byte
   */
  respond(status: number, askedNs: number, timeNs: number, responseAt: number): void {
    this.status = status;
    this.askedNs = askedNs;
    this.respondedNs = timeNs;
    this.responseAt = responseAt;
    this.latencyNs = Math.max(0, timeNs - askedNs);
  }

  /** It was told: bytes from here on are new. */
  wasTold(): void {
    this.isTold = true;
    this.requestBytes = this.responseBytes = 0;
  }
}
