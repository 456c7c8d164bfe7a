// SPDX-License-Identifier: MIT

import type { RequestParts } from "./request-line.js";

/** A request and its response, as far as they have come. Times are ns as the kernel's clock counts them. */
export class Exchange {
  /** What the request asks the connection to become, lower case: `websocket`, `h2c`. */
  upgrade = "";
  /** Of the final response; 0 without. */
  status = 0;
  /** Bytes since it was told last. */
  requestBytes = 0;
  responseBytes = 0;
  /** First byte of the request, and its last one that came before the response. */
  firstNs: number;
  askedNs: number;
  latencyNs = 0;
  /** Last byte of either so far. */
  lastNs: number;
  isRequestOver = false;
  isResponseOver = false;
  /** It was counted already: what is told from here on are only bytes. */
  isTold = false;
  /** `content-type` and `grpc-status` of an HTTP/2 response. */
  contentType = "";
  grpcStatus = "";

  /** @param firstNs when its first byte passed */
  constructor(
    readonly request: RequestParts,
    firstNs: number,
  ) {
    this.firstNs = this.askedNs = this.lastNs = firstNs;
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

  /** Bytes of the request passed. */
  asked(bytes: number, timeNs: number): void {
    this.requestBytes += bytes;
    this.lastNs = Math.max(this.lastNs, timeNs);
    if (!this.hasResponse) this.askedNs = Math.max(this.askedNs, timeNs);
  }

  /** Bytes of the response passed. */
  answered(bytes: number, timeNs: number): void {
    this.responseBytes += bytes;
    this.lastNs = Math.max(this.lastNs, timeNs);
  }

  /** Its final response has a head. @param askedNs last byte of the request before the first of that head, at `timeNs` */
  respond(status: number, askedNs: number, timeNs: number): void {
    this.status = status;
    this.askedNs = askedNs;
    this.latencyNs = Math.max(0, timeNs - askedNs);
  }

  /** It was told: bytes from here on are new. */
  wasTold(): void {
    this.isTold = true;
    this.requestBytes = this.responseBytes = 0;
  }
}
