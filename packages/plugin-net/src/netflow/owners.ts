// SPDX-License-Identifier: MIT

import { Recent } from "../recent.js";

/** A process that owns a connection. */
export interface Owner {
  readonly pid: number;
  readonly name: string;
}

/** Closed connections that are remembered at least. */
const REMEMBERED = 8192;

/**
 * What netflow finds out about who owns incoming connections. Where accept cannot be hooked that is known only when a
 * connection is closed or its holder was looked for, and others have seen it by then.
 */
export class ConnectionOwners {
  /** Called when the owner of a connection is certain, perhaps again and again. */
  onKnown: ((id: number, owner: Owner) => void) | undefined;
  /** Of connections that closed: a record of one that was made earlier may be read later. */
  readonly #closed = new Recent<number, Owner>(REMEMBERED);

  /** Whether anybody wants to know. */
  get isAsked(): boolean {
    return this.onKnown !== undefined;
  }

  /** Whose connection it is. @param last it is closed: nothing more will be heard of it */
  learn(id: number, pid: number, name: string, last: boolean): void {
    const owner = { pid, name };
    if (last) this.#closed.set(id, owner);
    this.onKnown?.(id, owner);
  }

  /** The owner of a connection that closed lately; undefined when it is not known. */
  ofClosed(id: number): Owner | undefined {
    return this.#closed.get(id);
  }
}
