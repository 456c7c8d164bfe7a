// SPDX-License-Identifier: MIT

/**
 * A request and its response on one connection, whatever the protocol. Offsets count bytes since the conversation began, for
 * each direction on its own; an end is one past the last byte. Times are ns as the kernel's clock counts them.
 */
export interface Call {
  /** Number of its stream, on a connection that carries several at once (HTTP/2). */
  readonly stream?: number;
  /** First byte of the request. */
  readonly requestAt: number;
  /** End of what a server must have read to begin: a head, or a whole statement. Equal to `requestAt` until that is known. */
  readonly requestHeadEnd: number;
  /** End of the request as far as it has come. Requests of HTTP/2 interleave: not all bytes before it are the request's. */
  readonly requestEnd: number;
  /** First byte of the response; -1 without. In HTTP that of the final one, in HTTP/2 of the frame with its headers. */
  readonly responseAt: number;
  /** First byte of the request, and its last one that came before the response. */
  readonly firstNs: number;
  readonly askedNs: number;
  /** First byte of the response; 0 without. */
  readonly respondedNs: number;
  /** Last byte of either so far. */
  readonly lastNs: number;
  /** Bytes of each since it was told last. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}
