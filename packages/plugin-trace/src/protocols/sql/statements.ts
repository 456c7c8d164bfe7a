// SPDX-License-Identifier: MIT

import type { Statement } from "./obfuscate.js";

/** Prepared statements of one connection that are remembered. */
const MOST = 512;

/** The statements a client has prepared, by the names or numbers it calls them; those used longest ago go first. */
export class PreparedStatements<Name> {
  #size = 0;
  readonly #statements = new Map<Name, Statement>();

  /** Bytes that are kept. */
  get size(): number {
    return this.#size;
  }

  get(name: Name): Statement | undefined {
    const statement = this.#statements.get(name);
    if (statement === undefined) return undefined;
    this.#statements.delete(name);
    this.#statements.set(name, statement);
    return statement;
  }

  set(name: Name, statement: Statement): void {
    this.delete(name);
    this.#statements.set(name, statement);
    this.#size += bytesOf(statement);
    if (this.#statements.size > MOST) this.delete(this.#statements.keys().next().value!);
  }

  delete(name: Name): void {
    const statement = this.#statements.get(name);
    if (statement === undefined) return;
    this.#statements.delete(name);
    this.#size -= bytesOf(statement);
  }
}

const bytesOf = ({ text, comment }: Statement): number => 128 + text.length + comment.length;
