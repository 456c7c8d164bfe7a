// SPDX-License-Identifier: MIT

/** What a request asks for, as points tell it. */
export interface RequestLine {
  readonly method: string;
  /** Path without query, at most as many bytes as configured. */
  readonly path: string;
  readonly version: string;
  /** The path was longer. */
  readonly truncated: boolean;
}

/** The parts of a request line as they stand there. Characters are bytes (latin1). */
export interface RequestParts {
  readonly method: string;
  /** A path, an absolute URL, `host:port` or `*`. */
  readonly target: string;
  /** The target went on, but was not captured. */
  readonly isTargetCut: boolean;
  /** `1.1`; also where the line was cut before it. Empty when the line ends otherwise. */
  readonly version: string;
}

const TARGET = /^([^ ]*) +([^ ]+)/;
const VERSION = / HTTP\/(\d\.\d) *$/;
/** Of a line that was cut: nearly everybody speaks it. */
const LIKELY_VERSION = "1.1";
/** Longer ones are no method anybody registered, and cut: they would become part of a key. */
const LONGEST_METHOD = 32;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/;

/** The parts of a line such as `GET /path?query HTTP/1.1`. Of what is no request line, what can be read. @param isCut it went on */
export function splitRequestLine(line: string, isCut: boolean): RequestParts {
  const [all = "", method = "", target = ""] = TARGET.exec(line) ?? [];
  const version = isCut ? LIKELY_VERSION : (VERSION.exec(line)?.[1] ?? "");
  return { method, target, isTargetCut: isCut && all.length === line.length, version };
}

/** A request as points tell it. @param maxPath bytes of its path that are kept */
export function requestLineOf({ method, target, isTargetCut, version }: RequestParts, maxPath: number): RequestLine {
  const query = target.indexOf("?");
  const whole = query < 0 ? target : target.slice(0, query);
  const path = whole.startsWith("/") ? whole : originForm(whole);
  return {
    method: method.slice(0, LONGEST_METHOD),
    path: utf8(path, maxPath),
    version,
    truncated: path.length > maxPath || (isTargetCut && query < 0),
  };
}

/** `http://host/path` is asked of a proxy and means `/path`. `host:port` (CONNECT) and `*` (OPTIONS) stay. */
function originForm(target: string): string {
  const authority = SCHEME.exec(target)?.[0];
  return authority === undefined ? target : target.slice(authority.length) || "/";
}

/** Bytes in a latin1 string, the first `limit` of them as UTF-8; a character is not cut in two. */
function utf8(bytes: string, limit: number): string {
  let end = Math.min(bytes.length, limit);
  // eslint-disable-next-line no-control-regex -- everything but ASCII
  if (!/[^\x00-\x7f]/.test(bytes)) return bytes.slice(0, end);
  const isContinuation = (at: number): boolean => (bytes.charCodeAt(at) & 0xc0) === 0x80;
  while (end < bytes.length && end > limit - 3 && end > 0 && isContinuation(end)) end--;
  return Buffer.from(bytes.slice(0, end), "latin1").toString("utf8");
}
