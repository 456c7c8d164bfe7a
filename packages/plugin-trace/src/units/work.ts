// SPDX-License-Identifier: MIT

import { type Call, Side } from "@skep/protocols";
import type { Connection } from "../capture/connection.js";
import type { Mover } from "../capture/marks.js";
import type { GoroutineOrigin } from "../go/goroutines.js";
import type { Cause, Entry, Origin, Unit } from "./units.js";

/** One end's part in a call: a request that was read and is worked at, or one that was written and is waited for. */
export interface Work {
  readonly connection: Connection;
  readonly call: Call;
  /** Requests come in here. */
  readonly isIncoming: boolean;
  /** Who began it: who read what it takes to begin, or wrote the first byte. Undefined as long as that is not known. */
  mover: Mover | undefined;
  /** As which unit; undefined as long as that is not known, or when somebody else may have been at work. */
  unit: Unit | undefined;
  /** Of an incoming request whose unit is known. */
  entry: Entry | undefined;
  /** Of an outgoing request whose unit is known. */
  cause: Cause | undefined;
  /** When the call was over and told, ns of the kernel's clock; undefined before. */
  toldNs: number | undefined;
  /** Whoever else uses the connection may have made the call, see SharedConnections. */
  isAnybodys: boolean;
}

/** What is known of goroutines. */
export interface GoroutineKnowledge {
  /** Whether a process runs a Go program; undefined when that cannot be told. */
  isGo(pid: number): boolean | undefined;
  originOf(pid: number, goroutine: bigint): GoroutineOrigin | undefined;
  /** For which goroutine another one has written the headers of a stream; undefined: for itself, or that is not known. */
  askerOf(pid: number, writer: bigint, stream: number): bigint | undefined;
}

/**
 * The unit that `mover` acted as; undefined when somebody else may have acted. A thread of a Go program does whatever comes, so
 * where its goroutine is not known nobody is.
 */
export function unitOf(
  { isSure, goroutine, pid, tid }: Mover,
  { isGo }: Pick<GoroutineKnowledge, "isGo">,
): Unit | undefined {
  if (!isSure) return undefined;
  if (goroutine !== 0n) return goroutineUnit(pid, goroutine);
  return isGo(pid) === false ? `${pid} ${tid}` : undefined;
}

const goroutineUnit = (pid: number, goroutine: bigint): Unit => `${pid} g${goroutine}`;

/** How the goroutine that a unit is came to be; undefined for threads, and where it is not known. */
export function originOfUnit(unit: Unit, knowledge: Pick<GoroutineKnowledge, "originOf">): Origin | undefined {
  const [pid, goroutine] = unit.split(" g");
  if (goroutine === undefined) return undefined;
  const origin = knowledge.originOf(Number(pid), BigInt(goroutine));
  return origin && { ...origin, parent: goroutineUnit(Number(pid), origin.parent) };
}

/** Who begins a call, as far as it is known by now. */
export function beginnerOf(
  { connection, call, isIncoming }: Work,
  knowledge: Pick<GoroutineKnowledge, "askerOf">,
): Mover | undefined {
  if (!isIncoming) return askerOf(connection.moverOf(Side.REQUESTS, call.requestAt), call, knowledge);
  return connection.moverOf(Side.REQUESTS, Math.max(call.requestAt, call.requestHeadEnd - 1));
}

/** Who began to respond. */
export function responderOf(
  { connection, call }: Work,
  knowledge: Pick<GoroutineKnowledge, "askerOf">,
): Mover | undefined {
  return call.responseAt < 0
    ? undefined
    : askerOf(connection.moverOf(Side.RESPONSES, call.responseAt), call, knowledge);
}

/** On whose behalf a goroutine has written that writes for all streams of its connection. */
function askerOf(
  mover: Mover | undefined,
  { stream }: Call,
  knowledge: Pick<GoroutineKnowledge, "askerOf">,
): Mover | undefined {
  if (mover === undefined || mover.goroutine === 0n || !stream) return mover;
  const asker = knowledge.askerOf(mover.pid, mover.goroutine, stream);
  return asker === undefined ? mover : { ...mover, goroutine: asker };
}
