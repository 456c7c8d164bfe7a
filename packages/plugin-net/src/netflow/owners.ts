// SPDX-License-Identifier: MIT

/** A process that owns a connection. */
export interface Owner {
  readonly pid: number;
  readonly name: string;
}

/** Closed connections that are remembered at least; twice as many at most. */
const REMEMBERED = 8192;

/**
 * What netflow finds out about who owns incoming connections. Where accept cannot be hooked that is known only when a
 * connection is closed or its holder was looked for, and others have seen it by then.
 */
export class ConnectionOwners {
  /** Called when the owner of a connection is certain, perhaps again and again. */
  onKnown: ((id: number, owner: Owner) => void) | undefined;
  /** Those who were told lately of connections that closed: a record that was made earlier may be read later. */
  #recent = new Map<number, Owner>();
  #older = new Map<number, Owner>();

  /** Whether anybody wants to know. */
  get isAsked(): boolean {
    return this.onKnown !== undefined;
  }

  /** Whose connection it is. @param last it is closed: nothing more will be heard of it */
  learn(id: number, pid: number, name: string, last: boolean): void {
    const owner = { pid, name };
    if (last) this.#remember(id, owner);
    this.onKnown?.(id, owner);
  }

  /** The owner of a connection that closed a while ago; undefined when it is not known or long forgotten. */
  ofClosed(id: number): Owner | undefined {
    return this.#recent.get(id) ?? this.#older.get(id);
  }

  #remember(id: number, owner: Owner): void {
    if (this.#recent.size >= REMEMBERED) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(id, owner);
  }
}
