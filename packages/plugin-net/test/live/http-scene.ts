// SPDX-License-Identifier: MIT

import { fileURLToPath } from "node:url";
import type { Point } from "@skep/core";
import { type Place, spawnIn, type Teardown } from "@skep/testkit";
import type { ExecutionContext } from "ava";
import { observer, type Observer, type ObserverOptions } from "./observe.js";

/** An agent that looks for HTTP in what the test's cgroup sends and receives. */
export const httpObserver = (t: Teardown, options: ObserverOptions = {}): Promise<Observer> =>
  observer(t, { ...options, config: { l7net_enabled: ["httpflow"], ...options.config } });

type Side = "client" | "server";
/** See support/http-script.mjs. */
export type Step = readonly [side: Side, what: string, pieceSize?: number];

export interface Script {
  readonly steps: readonly Step[];
  readonly host?: string;
  /** Name of a connection that stays open. */
  readonly keep?: string;
}

export interface Ports {
  readonly clientPort: number;
  readonly serverPort: number;
}

/** A process that plays scripts. */
export interface Player {
  readonly pid: number;
  play(script: Script): Promise<Ports>;
}

export async function startPlayer(t: Teardown, place: Place): Promise<Player> {
  const script = fileURLToPath(new URL("support/http-script.mjs", import.meta.url));
  const child = spawnIn(t, place, process.execPath, [script]);
  const answer = async (): Promise<unknown> => {
    const { value, done } = await child.lines.next();
    if (done) throw new Error(`the player has died: ${(await child.exited).stderr}`);
    return JSON.parse(value as string);
  };
  const { pid } = (await answer()) as { pid: number };
  return {
    pid,
    play: async (script) => {
      child.writeLine(JSON.stringify(script));
      return (await answer()) as Ports;
    },
  };
}

/** What is to be seen of like exchanges, from the point of view of the client. */
export interface Expected {
  readonly request: string;
  readonly status: number;
  readonly sent: number;
  readonly received: number;
  readonly version?: string;
  /** Default 1. */
  readonly count?: number;
}

export const ofHttp = (points: readonly Point[]): readonly Point[] =>
  points.filter(({ measurement }) => measurement === "httpflow");

/** What points say of the exchanges of one end of a connection, in a comparable form. */
export function exchangesOf(points: readonly Point[], end: Side, { clientPort, serverPort }: Ports): readonly object[] {
  const [src, dst] = end === "client" ? [clientPort, serverPort] : [serverPort, clientPort];
  return ofHttp(points)
    .filter(({ tags }) => tags["src_port"] === String(src) && tags["dst_port"] === String(dst))
    .map(({ tags, fields }) => ({
      direction: tags["direction"],
      request: `${String(fields["method"])} ${String(fields["path"])}`,
      status: fields["status_code"],
      sent: end === "client" ? fields["bytes_written"] : fields["bytes_read"],
      received: end === "client" ? fields["bytes_read"] : fields["bytes_written"],
      version: fields["http_version"],
      count: fields["count"],
      hasLatency: Number(fields["latency"]) > 0,
    }))
    .sort((one, other) => one.request.localeCompare(other.request) || Number(one.status) - Number(other.status));
}

/** Both ends of a connection saw these exchanges and no others. */
export function sameExchanges(
  t: ExecutionContext,
  points: readonly Point[],
  ports: Ports,
  expected: readonly Expected[],
  what = "",
): void {
  for (const end of ["client", "server"] as const) {
    t.deepEqual(
      exchangesOf(points, end, ports),
      [...expected]
        .sort((one, other) => one.request.localeCompare(other.request) || one.status - other.status)
        .map(({ request, status, sent, received, version = "1.1", count = 1 }) => ({
          direction: end === "client" ? "outgoing" : "incoming",
          request,
          status,
          sent,
          received,
          version,
          count,
          hasLatency: status !== 0,
        })),
      `${what}, seen by the ${end}`,
    );
  }
}
