// SPDX-License-Identifier: MIT

import type { ObjectMeta } from "../api/objects.js";
import { Claims } from "./claims.js";

/** What is kept of an object, with the names it can be found by. */
export interface NamedObject {
  readonly namespace: string;
  readonly name: string;
  /** Unix seconds. */
  readonly created: number;
  readonly names: readonly string[];
}

/** When an object was created, Unix seconds; 0 when it does not say. */
export const createdAt = ({ creationTimestamp }: ObjectMeta): number =>
  Math.trunc(Date.parse(creationTimestamp ?? "") / 1000) || 0;

/** The objects of one resource, found by key (`namespace/name`) or by any of their names. */
export class NamedObjects<T extends NamedObject> {
  readonly #byKey = new Map<string, T>();
  /** An address that was given to a new pod is no longer the old one's, whoever is heard of last. */
  readonly #claims = new Claims<T>((one, other) => other.created - one.created);

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** Who goes by a name, or did until lately. */
  find(name: string): T | undefined {
    return this.#claims.get(name);
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  /** `undefined`: the object is there but means nothing to us, any longer or at all. `now` as for {@link forget}. */
  put(key: string, object: T | undefined, now: number): void {
    if (object === undefined) return this.remove(key, now);
    const before = this.#byKey.get(key);
    if (before !== undefined) for (const name of before.names) this.#claims.remove(name, before);
    this.#byKey.set(key, object);
    for (const name of object.names) this.#claims.add(name, object);
  }

  remove(key: string, now: number): void {
    const object = this.#byKey.get(key);
    if (object === undefined) return;
    this.#byKey.delete(key);
    this.#claims.retire(object.names, object, now);
  }

  /** Forgets what was gone by `then`. */
  forget(then: number): void {
    this.#claims.forget(then);
  }
}
