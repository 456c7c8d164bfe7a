// SPDX-License-Identifier: MIT

import type { ChildProcess } from "node:child_process";
import { outputOf, spawnIn } from "./children.js";

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
}

/** wrk, which asks as fast as it is answered over 32 connections that are kept alive. @param cgroup where it runs */
export const wrk = (cgroup: string, url: string, seconds: number): ChildProcess =>
  spawnIn(cgroup, "wrk", ["-t1", "-c32", `-d${seconds}s`, url]);

/** How many requests were answered in so long. */
export async function saturate(cgroup: string, url: string, seconds: number): Promise<Load> {
  const text = await outputOf(wrk(cgroup, url, seconds));
  const match = /(\d+) requests in[^]*Requests\/sec:\s+([\d.]+)/.exec(text);
  if (!match || /Non-2xx/.test(text)) throw new Error(`wrk could not tell:\n${text}`);
  return { requests: Number(match[1]), perSecond: Number(match[2]) };
}
