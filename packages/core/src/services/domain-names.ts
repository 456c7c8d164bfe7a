// SPDX-License-Identifier: MIT

import { isIPv4, isIPv6 } from "node:net";
import type { Clock } from "../scheduler/clock.js";
import { service } from "../service.js";

/** An address record of a DNS answer. */
export interface LearnedName {
  readonly ip: string;
  /** The name that was asked for: the owner of the first CNAME when a chain led to the address. */
  readonly name: string;
  readonly ttlSeconds: number;
}

/** Names of addresses, learnt from the DNS answers this host received. Bounded: old and expired names go first. */
export interface DomainNames {
  /** The name last seen for `ip`; undefined when none is known. `::ffff:a.b.c.d` and `a.b.c.d` are the same address. */
  nameOf(ip: string): string | undefined;
  learn(answer: LearnedName): void;
}

/** Provided by core; `ebpf-net` feeds it (`learn`), a plugin may provide another. */
export const DomainNames = service<DomainNames>("skep.domain-names", 1);

export interface DomainNamesOptions {
  readonly clock: Clock;
  /**
   * How long a name is kept beyond its TTL, ms, and after it was last asked for: a connection goes on when the TTL has passed,
   * and is reported at flushes. Default 3 minutes; must be longer than the time between two flushes.
   */
  readonly graceMs?: number;
  /** Addresses kept, about 250 bytes each. Default 65,536. */
  readonly maxEntries?: number;
}

/** A name that is still known; times are the clock's `now()`. */
interface KnownName {
  readonly name: string;
  expiresAt: number;
}

/** Longer ones are mistakes or attempts to stay (RFC 8767, section 4: at most 7 days). */
const longestTtlSeconds = 7 * 86_400;
/** The whole table is looked through for expired names no more often than this, ms. */
const sweepMs = 1_000;

/** The default table of names: those learnt lately or in use. It needs no disposal. */
export function createDomainNames(options: DomainNamesOptions): DomainNames {
  return new LearntNames(options);
}

class LearntNames implements DomainNames {
  /** By address, those learnt longest ago first. */
  readonly #known = new Map<string, KnownName>();
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #maxEntries: number;
  #sweptAt = -Infinity;

  constructor({ clock, graceMs = 180_000, maxEntries = 65_536 }: DomainNamesOptions) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#maxEntries = maxEntries;
  }

  nameOf(ip: string): string | undefined {
    const address = canonical(ip);
    const known = address === undefined ? undefined : this.#known.get(address);
    if (address === undefined || known === undefined) return undefined;
    const now = this.#clock.now();
    if (known.expiresAt < now) {
      this.#known.delete(address);
      return undefined;
    }
    known.expiresAt = Math.max(known.expiresAt, now + this.#graceMs);
    return known.name;
  }

  learn({ ip, name, ttlSeconds }: LearnedName): void {
    const address = canonical(ip);
    if (address === undefined || name === "") return;
    const now = this.#clock.now();
    const ttlMs = Math.min(Math.max(ttlSeconds, 0), longestTtlSeconds) * 1_000;
    this.#known.delete(address); // so that it becomes the newest
    this.#known.set(address, { name, expiresAt: now + ttlMs + this.#graceMs });
    if (this.#known.size > this.#maxEntries) this.#makeRoom(now);
  }

  #makeRoom(now: number): void {
    if (now >= this.#sweptAt + sweepMs) {
      this.#sweptAt = now;
      for (const [address, { expiresAt }] of this.#known) if (expiresAt < now) this.#known.delete(address);
    }
    for (const address of this.#known.keys()) {
      if (this.#known.size <= this.#maxEntries) return;
      this.#known.delete(address);
    }
  }
}

/** One text for each address, however it is written; undefined for what is no address. */
function canonical(ip: string): string | undefined {
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip) || ip.includes("%")) return undefined;
  const text = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
  if (mapped === null) return text;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
