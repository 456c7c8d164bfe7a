// SPDX-License-Identifier: MIT

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

export const DomainNames = service<DomainNames>("skep.domain-names", 1);
