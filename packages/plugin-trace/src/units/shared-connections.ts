// SPDX-License-Identifier: MIT

import type { Work } from "./work.js";

/** Who put bytes into a connection's buffer is behind those who flush it by so much at most, ns. */
const SLOW_TO_FLUSH = 100e6;

/**
 * Calls on connections that several units use at once, as with AMQP's channels. Clients have one buffer for all (amqp091-go's
 * sendUnflushed): who flushes it writes what others have put there, so who wrote a call's first byte need not be who made the call.
 * It is when nobody else was about.
 */
export class SharedConnections {
  /** The call that began last on each connection. */
  readonly #last = new WeakMap<object, Work>();

  /** Notes who began a call, in the connection's order: it, and the one before, may turn out to be anybody's. */
  began(work: Work): void {
    const before = this.#last.get(work.connection);
    this.#last.set(work.connection, work);
    if (before === undefined) return;
    const passedNs = work.mover!.timeNs - before.mover!.timeNs;
    if (passedNs === 0)
      before.isAnybodys = work.isAnybodys = true; // one write
    else if (work.unit !== before.unit && passedNs < SLOW_TO_FLUSH) work.isAnybodys = true;
  }
}
