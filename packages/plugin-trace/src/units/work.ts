// SPDX-License-Identifier: MIT

import { type Call, Side } from "@skep/protocols";
import type { Connection } from "../capture/connection.js";
import type { Mover } from "../capture/marks.js";
import type { Cause, Entry, Unit } from "./units.js";

/** One end's part in a call: a request that was read and is worked at, or one that was written and is waited for. */
export interface Work {
  readonly connection: Connection;
  readonly call: Call;
  /** Requests come in here. */
  readonly isIncoming: boolean;
  /** Who began it: who read what it takes to begin, or wrote the first byte. Undefined as long as that is not known. */
  mover: Mover | undefined;
  /** Of an incoming request whose unit is known. */
  entry: Entry | undefined;
  /** Of an outgoing request whose unit is known. */
  cause: Cause | undefined;
  /** When the call was over and told, ns of the kernel's clock; undefined before. */
  toldNs: number | undefined;
}

/** The unit that `mover` acted as; undefined when somebody else may have acted. */
export function unitOf({ isSure, goroutine, pid, tid }: Mover): Unit | undefined {
  if (!isSure) return undefined;
  return goroutine === 0n ? `${pid} ${tid}` : goroutineUnit(pid, goroutine);
}

export const goroutineUnit = (pid: number, goroutine: bigint): Unit => `${pid} g${goroutine}`;

/** Who begins a call, as far as it is known by now. */
export function beginnerOf({ connection, call, isIncoming }: Work): Mover | undefined {
  const offset = isIncoming ? Math.max(call.requestAt, call.requestHeadEnd - 1) : call.requestAt;
  return connection.moverOf(Side.REQUESTS, offset);
}

/** Who began to respond. */
export function responderOf({ connection, call }: Work): Mover | undefined {
  return call.responseAt < 0 ? undefined : connection.moverOf(Side.RESPONSES, call.responseAt);
}
