// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { ApiError } from "./api-error.js";
import type { ApiServer } from "./api-server.js";

/** A dead peer is noticed by the kernel's probes, begun after this silence. */
const KEEPALIVE_MS = 30_000;
/** A `Status` object is short. */
const LONGEST_STATUS_BYTES = 65_536;

export interface GetOptions {
  readonly accept: string;
  readonly signal: AbortSignal;
  /** Longest wait for the head of the answer. */
  readonly answerMs: number;
  /** Longest silence in its body. */
  readonly idleMs: number;
}

/**
 * Asks the API server. Each request is a connection of its own with token and CA as they are now: requests are rare, watches
 * last minutes, and a rotated file needs no watching.
 * @returns the answer with a status of 2xx, its body unread
 * @throws ApiError for any other status; the errors of files, sockets and TLS as they are
 */
export async function get(server: ApiServer, path: string, options: GetOptions): Promise<IncomingMessage> {
  const { accept, signal, answerMs, idleMs } = options;
  const { token, caFile, verify } = server;
  const bearer = token && ("file" in token ? (await readFile(token.file, "utf8")).trim() : token.text);
  const url = new URL(server.url + path);
  const common = {
    agent: false,
    signal,
    headers: { accept, "user-agent": "skep", ...(bearer && { authorization: `Bearer ${bearer}` }) },
  } as const;
  const request =
    url.protocol === "http:"
      ? http.request(url, common)
      : https.request(url, { ...common, rejectUnauthorized: verify, ...(caFile && { ca: await readFile(caFile) }) });
  const answer = await answerTo(request, answerMs);
  answer.setTimeout(idleMs, () => answer.destroy(new Error(`silent for ${idleMs / 1000} s`)));
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  throw new ApiError(statusCode, await messageIn(answer, statusCode));
}

function answerTo(request: http.ClientRequest, answerMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const impatience = new AbortController();
    wait(answerMs, undefined, { signal: impatience.signal, ref: false }).then(
      () => request.destroy(new Error(`no answer within ${answerMs / 1000} s`)),
      () => {},
    );
    request.once("socket", (socket) => socket.setKeepAlive(true, KEEPALIVE_MS));
    request.on("error", reject); // and stays, so that an abort after the answer has somewhere to go
    request.once("response", resolve);
    request.once("close", () => impatience.abort());
    request.once("response", () => impatience.abort());
    request.end();
  });
}

/** What the server says went wrong. */
async function messageIn(answer: IncomingMessage, code: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((size += chunk.length) > LONGEST_STATUS_BYTES) break;
  }
  try {
    const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message?: unknown };
    if (typeof message === "string" && message !== "") return `HTTP ${code}: ${message}`;
  } catch {
    // Something before the API server answered, such as a proxy with a page of its own.
  }
  return `HTTP ${code} ${http.STATUS_CODES[code] ?? ""}`.trim();
}
