// SPDX-License-Identifier: MIT

/**
 * Who goes by a name: an address, an id. Addresses are used again, so a name may have several claimants: those that are there
 * come before those that are gone, and among those the better ones. Who is gone stays known for a while, because its last flows
 * are reported after it went.
 */
export class Claims<T extends object> {
  readonly #claims = new Map<string, readonly T[]>();
  /** Claims of those that are gone, in the order of their going. */
  readonly #gone: { readonly claimant: T; readonly name: string; readonly at: number }[] = [];
  readonly #isGone = new WeakSet<T>();

  /** @param compare as `Array.sort` wants it: the better claim first */
  constructor(private readonly compare: (one: T, other: T) => number) {}

  /** Who has the best claim to a name. */
  get(name: string): T | undefined {
    return this.#claims.get(name)?.[0];
  }

  add(name: string, claimant: T): void {
    const others = this.#claims.get(name);
    // Nearly all names have one claimant, and an array that was made to grow is three times as large.
    if (others === undefined) return void this.#claims.set(name, [claimant]);
    const worse = others.findIndex((other) => this.#order(claimant, other) < 0);
    this.#claims.set(name, others.toSpliced(worse < 0 ? others.length : worse, 0, claimant));
  }

  remove(name: string, claimant: T): void {
    const others = this.#claims.get(name)?.filter((other) => other !== claimant) ?? [];
    if (others.length === 0) this.#claims.delete(name);
    else this.#claims.set(name, others);
  }

  /** The claimant is gone at `now` (ms on any clock): known until {@link forget}, if nobody else takes the name. */
  retire(names: Iterable<string>, claimant: T, now: number): void {
    this.#isGone.add(claimant);
    for (const name of names) {
      this.remove(name, claimant);
      this.add(name, claimant);
      this.#gone.push({ claimant, name, at: now });
    }
  }

  /** Forgets who was gone by `then`. */
  forget(then: number): void {
    const kept = this.#gone.findIndex(({ at }) => at > then);
    for (const { name, claimant } of this.#gone.splice(0, kept < 0 ? this.#gone.length : kept)) {
      this.remove(name, claimant);
    }
  }

  #order(one: T, other: T): number {
    return Number(this.#isGone.has(one)) - Number(this.#isGone.has(other)) || this.compare(one, other);
  }
}
