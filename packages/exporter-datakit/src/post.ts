// SPDX-License-Identifier: MIT

import { ExportError } from "@skep/core";

/** How much of an answer is quoted in an error, characters. */
const QUOTED = 200;

/**
 * Sends one body.
 *
 * @throws ExportError retryable when the server could not be reached, broke off, or answered 408, 429 or 5xx (its `Retry-After` is
 * kept); final for every other answer but 2xx.
 */
export async function post(
  url: URL,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", body, headers, signal, redirect: "manual" });
  } catch (cause) {
    if (signal.aborted) throw signal.reason as Error;
    throw new ExportError(`${url.host} cannot be reached: ${reasonOf(cause)}`, { retryable: true, cause });
  }
  if (response.ok) return void discard(response);
  const answer = await beginning(response, signal);
  const retryable = response.status === 408 || response.status === 429 || response.status >= 500;
  const afterMs = retryAfterMs(response.headers.get("retry-after"));
  throw new ExportError(`${url.host}${url.pathname} answered ${response.status}${answer && `: ${answer}`}`, {
    retryable,
    ...(afterMs !== undefined && { retryAfterMs: afterMs }),
  });
}

/** Reads a short answer to its end, which keeps the connection for the next request, and breaks off a long one. */
async function discard({ body }: Response): Promise<void> {
  try {
    let left = 64 * 1024;
    for await (const part of body ?? []) if ((left -= part.byteLength) < 0) break;
  } catch {
    // The server has taken the points: how it ends its answer changes nothing.
  }
}

/** What an answer says first, for an error. */
async function beginning({ body }: Response, signal: AbortSignal): Promise<string> {
  try {
    for await (const part of body ?? []) return Buffer.from(part).toString("utf8").slice(0, QUOTED).trim();
  } catch {
    if (signal.aborted) throw signal.reason as Error;
  }
  return "";
}

/** fetch hides what went wrong in the cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : String(error);
}

/** Seconds or a date, as RFC 9110 has it. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
