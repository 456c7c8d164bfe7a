// SPDX-License-Identifier: MIT

import type { Work } from "./work.js";

/** Who put bytes into a connection's buffer is behind those who flush it by so much at most, ns. */
const SLOW_TO_FLUSH = 100e6;

/**
 * Calls on connections that several units use at once, as with AMQP's channels. Clients have one buffer for all (amqp091-go's
 * sendUnflushed): who flushes it writes what others have put there, so who wrote a call's first byte need not be who made the call.
 * The first who does writes his own call with it. From then on it may be so with every call, until nobody calls for a while.
 */
export class SharedConnections {
  /** The call that began last on each connection. */
  readonly #last = new WeakMap<object, Work>();

  /** Notes that a call began, in the connection's order: it, and the one before, may turn out to be anybody's. */
  began(work: Work): void {
    const before = this.#last.get(work.connection);
    this.#last.set(work.connection, work);
    if (before === undefined) return;
    const passedNs = work.mover!.timeNs - before.mover!.timeNs;
    if (passedNs === 0) before.isAnybodys = true; // one write
    const isOver = before.toldNs !== undefined && before.call.lastNs < work.call.firstNs;
    work.isAnybodys = !isOver || (before.isAnybodys && passedNs < SLOW_TO_FLUSH);
  }
}
