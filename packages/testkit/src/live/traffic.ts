// SPDX-License-Identifier: MIT

import type { Place } from "./spawn-in.js";
import { spawnIn } from "./spawn-in.js";
import { trafficProgram } from "./traffic-program.js";
import { patience, type Teardown } from "./until.js";

/** What one end of a connection did, counted where it was done. Bytes are payload; times are CLOCK_MONOTONIC, ns. */
export interface TrafficEnd {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Who sent and received. */
  readonly pid: number;
  readonly tid: number;
  /** Who connected or accepted, and who closed; null: still open, or closed by the exit of the process. */
  readonly openPid: number;
  readonly closePid: number | null;
  /** `SO_COOKIE`. */
  readonly cookie: string;
  /** Inode of the network namespace. */
  readonly netns: number;
  readonly sent: number;
  readonly received: number;
  /** UDP only. */
  readonly messagesSent?: number;
  readonly messagesReceived?: number;
  readonly openedNs: number;
  readonly closedNs: number | null;
  /** The kernel's own view before the close; its byte counts include SYN and FIN. TCP only. */
  readonly tcpInfo?: {
    readonly rttUs: number;
    readonly rttVarUs: number;
    readonly minRttUs: number;
    readonly retransmits: number;
    readonly bytesAcked: number;
    readonly bytesReceived: number;
  };
}

/** Both ends of a TCP connection, or of a UDP flow; an end in another `--role`, or that was never accepted, is null. */
export interface TrafficConnection {
  readonly index: number;
  readonly client: TrafficEnd | null;
  readonly server: TrafficEnd | null;
}

export interface TrafficTruth {
  readonly command: string;
  readonly connections: readonly TrafficConnection[];
  /** Connects of `listen-late` that found nobody listening. */
  readonly refused: readonly TrafficConnection[];
}

export interface TrafficListening {
  readonly ports: readonly number[];
  /** Null in `--role server`. */
  readonly clientPid: number | null;
  readonly serverPid: number;
}

/** Traffic on its way. A promise rejects with the program's own words when it failed. */
export interface Traffic {
  readonly pid: number;
  /** Servers are bound. Never resolves in `--role client`, which has none. */
  readonly listening: Promise<TrafficListening>;
  /** `--hold`: everything was exchanged and nothing is closed. */
  readonly holding: Promise<TrafficTruth>;
  readonly done: Promise<TrafficTruth>;
  /** Ends the wait of `--wait`, then that of `--hold`. */
  go(): void;
}

/**
 * Starts `traffic/traffic.c`, whose `--help` tells the commands and options:
 * `startTraffic(t, ["tcp-exchange", "--connections", "3", "--wait"], { cgroup })`.
 */
export function startTraffic(t: Teardown, args: readonly string[], place: Place = {}): Traffic {
  const deadline = ["--deadline-s", String(60 * patience)];
  const spawned = spawnIn(t, place, trafficProgram(), [...deadline, ...args]);
  const listening = withResolvers<TrafficListening>();
  const holding = withResolvers<TrafficTruth>();
  const done = withResolvers<TrafficTruth>();
  const readAll = async () => {
    for await (const line of spawned.lines) {
      const event = JSON.parse(line) as { event: string };
      if (event.event === "listening") listening.resolve(event as unknown as TrafficListening);
      else if (event.event === "holding") holding.resolve(event as unknown as TrafficTruth);
      else if (event.event === "done") done.resolve(event as unknown as TrafficTruth);
    }
    const { code, signal, stderr } = await spawned.exited;
    if (code !== 0) throw new Error(`traffic ${args.join(" ")}: ${stderr.trim() || `exit ${code ?? signal}`}`);
  };
  readAll().catch((error: unknown) => {
    for (const { reject } of [listening, holding, done]) reject(error);
  });
  return {
    pid: spawned.pid,
    listening: listening.promise,
    holding: holding.promise,
    done: done.promise,
    go: () => spawned.writeLine(),
  };
}

/** Starts traffic and waits for its end. */
export function runTraffic(t: Teardown, args: readonly string[], place: Place = {}): Promise<TrafficTruth> {
  return startTraffic(t, args, place).done;
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  // Not everybody waits for every event.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
