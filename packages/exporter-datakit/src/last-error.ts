// SPDX-License-Identifier: MIT

import { parseAddress } from "./address.js";
import { post } from "./post.js";

/** One report in so much time, ms: a server that shows the last error needs no flood of them. */
const pauseMs = 30_000;
const attemptMs = 5_000;

/**
 * Tells a DataKit server what went wrong, which it shows beside the collector's name. Never rejects, never waits for an answer; what
 * follows within 30 s of a report is not told.
 */
export function lastErrorReporter(server: string): (message: string) => void {
  const { base, headers } = parseAddress(server);
  const url = new URL("/v1/lasterror", base);
  let lastMs = -Infinity;
  return (message) => {
    if (performance.now() - lastMs < pauseMs) return;
    lastMs = performance.now();
    const body = Buffer.from(JSON.stringify({ input: "ebpf", source: "", err_content: message }));
    post(url, body, { ...headers, "content-type": "application/json" }, AbortSignal.timeout(attemptMs)).catch(() => {});
  };
}
