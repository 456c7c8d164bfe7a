// SPDX-License-Identifier: MIT

/** What a request asks for, as points tell it. */
export interface RequestLine {
  readonly method: string;
  /** Path without query, at most as many bytes as configured. */
  readonly path: string;
  /** `1.1`; empty when it is not known. */
  readonly version: string;
  /** The path was longer. */
  readonly truncated: boolean;
}

/** Longer ones are no method anybody registered, and cut: they would become part of a key. */
const LONGEST_METHOD = 32;
const QUERY = "?";
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/;
const VERSION = /^HTTP\/(\d\.\d)$/;

/**
 * Reads a request line such as `GET /path?query HTTP/1.1`. Never throws: what is no request line becomes what of it can be read.
 * @param cut the line went on, but its end was not captured
 */
export function parseRequestLine(line: string, cut: boolean, maxPath: number): RequestLine {
  const [method = "", target = ""] = line.split(" ", 2);
  const lastSpace = line.lastIndexOf(" ");
  const version = cut ? undefined : VERSION.exec(line.slice(lastSpace + 1))?.[1];
  return requestOf(method, target, version ?? "", cut && method.length + 1 + target.length === line.length, maxPath);
}

/**
 * A request by its parts.
 * @param target as it stood in the request: a path, an absolute URL, `host:port` or `*`. Characters are bytes (latin1).
 * @param targetCut the target went on
 */
export function requestOf(
  method: string,
  target: string,
  version: string,
  targetCut: boolean,
  maxPath: number,
): RequestLine {
  const query = target.indexOf(QUERY);
  const whole = query < 0 ? target : target.slice(0, query);
  const path = whole.startsWith("/") ? whole : originForm(whole);
  return {
    method: method.slice(0, LONGEST_METHOD),
    path: utf8(path, maxPath),
    version,
    truncated: path.length > maxPath || (targetCut && query < 0),
  };
}

/** `http://host/path` is asked of a proxy and means `/path`. `host:port` (CONNECT) and `*` (OPTIONS) stay. */
function originForm(target: string): string {
  const authority = SCHEME.exec(target)?.[0];
  return authority === undefined ? target : target.slice(authority.length) || "/";
}

/** Bytes in a latin1 string, the first `limit` of them as UTF-8; a character is not cut in two. */
function utf8(bytes: string, limit: number): string {
  // eslint-disable-next-line no-control-regex -- everything but ASCII
  if (!/[^\x00-\x7f]/.test(bytes)) return bytes.slice(0, limit);
  let end = Math.min(bytes.length, limit);
  if (end < bytes.length) while (end > limit - 3 && end > 0 && (bytes.charCodeAt(end) & 0xc0) === 0x80) end--;
  return Buffer.from(bytes.slice(0, end), "latin1").toString("utf8");
}
