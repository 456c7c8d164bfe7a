// SPDX-License-Identifier: MIT

import { latin1 } from "../../latin1.js";
import { type RequestParts, splitRequestLine } from "../request-line.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const RESPONSE = "HTTP/1.";
const LONGEST_METHOD = 64;
const REQUEST_VERSION = / HTTP\/\d\.\d *$/;
const STATUS = /^HTTP\/1\.\d (\d{3})(?:$|\s)/;

/** Reads a request line; undefined for what is none. Characters are bytes (latin1). @param isCut the line went on */
export function readRequestLine(line: string, isCut: boolean): RequestParts | undefined {
  const parts = splitRequestLine(line, isCut);
  return TOKEN.test(parts.method) && parts.version !== "" ? parts : undefined;
}

/** Whether a request line may go on like this. */
export function beginsRequest(beginning: string): boolean {
  const space = beginning.indexOf(" ");
  const method = space < 0 ? beginning : beginning.slice(0, space);
  return method.length <= LONGEST_METHOD && TOKEN.test(method);
}

/** Whether a status line may go on like this. */
export const beginsResponse = (beginning: string): boolean => beginning.startsWith(RESPONSE.slice(0, beginning.length));

/** The status code of a status line; undefined for what is none. */
export function readStatusLine(line: string): number | undefined {
  const code = STATUS.exec(line)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** Methods of RFC 9110, 5789 and WebDAV: where the middle of a message may come, no other word is taken for one. */
const REGISTERED = new Set(
  (
    "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH " +
    "MERGE CHECKOUT CHECKIN ACL BIND MKACTIVITY MKCALENDAR"
  ).split(" "),
);
/** Enough of a message's beginning to know it. */
const LOOK_BYTES = 64;
const STATUS_BYTES = 13;

/** Whether a request may begin with these bytes, where nothing is known of what came before. */
export function looksLikeRequest(bytes: Uint8Array, from: number, to: number): boolean {
  const beginning = latin1(bytes, from, Math.min(to, from + LOOK_BYTES));
  const space = beginning.indexOf(" ");
  if (space < 0 || !REGISTERED.has(beginning.slice(0, space))) return false;
  const end = bytes.subarray(from, to).indexOf(10);
  if (end < 0) return /^[A-Z]+ (?:\/|\*|https?:)/.test(beginning);
  return REQUEST_VERSION.test(latin1(bytes, Math.max(from, from + end - STATUS_BYTES), from + end).replace(/\r$/, ""));
}

/** Where in bytes of which the beginning may be the end of an older response a response begins; -1: nowhere. */
export function findResponse(bytes: Uint8Array, from: number, to: number): number {
  if (isStatusLine(bytes, from, to)) return from;
  // Behind the last chunk of the older one, if it was chunked.
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; ;) {
    const end = buffer.indexOf(LAST_CHUNK, at, "latin1");
    if (end < 0 || end + LAST_CHUNK.length > to) return -1;
    at = end + LAST_CHUNK.length;
    if ((end === from || bytes[end - 1] === 10) && isStatusLine(bytes, at, to)) return at;
  }
}

/** Whether a chunked body seems to end with these bytes. */
export function endsInLastChunk(bytes: Uint8Array, from: number, to: number): boolean {
  const tail = latin1(bytes, Math.max(from, to - LAST_CHUNK.length - 2), to);
  return tail === `\r\n${LAST_CHUNK}` || (to - from === LAST_CHUNK.length && tail === LAST_CHUNK);
}

const LAST_CHUNK = "0\r\n\r\n";

const isStatusLine = (bytes: Uint8Array, from: number, to: number): boolean =>
  readStatusLine(latin1(bytes, from, Math.min(to, from + STATUS_BYTES))) !== undefined;
