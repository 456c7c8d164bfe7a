// SPDX-License-Identifier: MIT

/** Names of request headers whose values are kept, in whatever case they come. One for all connections. */
export class WantedHeaders {
  static readonly NONE = new WantedHeaders([]);

  readonly #names: ReadonlySet<string>;
  readonly #firsts: ReadonlySet<number>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#firsts = new Set(Buffer.from([...this.#names].map((name) => name[0]! + name[0]!.toUpperCase()).join("")));
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** @param name lower case */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether the name of a header that begins with this byte can be one. */
  mayBegin(first: number): boolean {
    return this.#firsts.has(first);
  }
}

/** Bytes that are kept of a value. */
export const LONGEST_VALUE = 1024;

/** Headers by their names in lower case; characters are bytes (latin1). */
export type Headers = ReadonlyMap<string, string>;

/** Of a request that has none of those that are wanted. */
export const NO_HEADERS: Headers = new Map();

/** Adds a value. Lines of the same name are one list (RFC 9110, section 5.3). */
export function addHeader(headers: Map<string, string>, name: string, value: string, separator = ","): void {
  const before = headers.get(name);
  headers.set(name, (before === undefined ? value : before + separator + value).slice(0, LONGEST_VALUE));
}
