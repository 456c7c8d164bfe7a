// SPDX-License-Identifier: MIT

import type { Cursor } from "@skep/core";
import { dnsEvent } from "../dns-codec.gen.js";
import { Direction } from "../netflow/direction.js";
import { exchangeKey } from "./exchange-key.js";
import type { Message, Question } from "./message.js";
import { endsOf, type Query, WaitingQueries, type WaitingQuery } from "./waiting-queries.js";

/** A query without answer for so long is given up. */
export const TIMEOUT_NS = 6e9;

/** enum dns_flag of bpf/dns.h. */
const SENT = 1;

/** Queries remembered as given up, to tell a late answer from one to nothing. */
const MOST_GIVEN_UP = 16_384;

/** Why a message became part of no exchange. */
export type Stray = "no_query" | "late_answer" | "too_many_queries";

/** What becomes of messages. */
export interface ExchangeEvents {
  /** `latencyNs` from the first query to the answer. */
  answered(query: Query, answer: Message, latencyNs: number): void;
  /** There was no answer in {@link TIMEOUT_NS}. */
  givenUp(query: Query): void;
  /** The same query again on the same socket: part of the exchange that waits. */
  repeated(): void;
  stray(reason: Stray): void;
}

/**
 * Finds the answer to each query. A socket that asks and one that is asked are two sockets, so a resolver's exchange with a
 * client and the one it has with its own server are told apart, and an exchange inside this host is seen at both its ends.
 *
 * An answer belongs to the query of its socket with its id, its question and its peer. An exchange lasts from the first query:
 * one that is repeated does not begin anew.
 */
export class Exchanges {
  readonly #waiting: WaitingQueries;
  /** Key -> question, oldest first. */
  readonly #givenUp = new Map<number, string>();

  /** @param most queries that may wait at once; what is asked beyond that is not followed */
  constructor(
    private readonly events: ExchangeEvents,
    most: number,
  ) {
    this.#waiting = new WaitingQueries(most);
  }

  /** Queries without answer so far. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A message that a socket sent or received at `timeNs`; `record` tells who. */
  // hot
  hear(message: Message, record: Cursor, timeNs: number, direction: Direction): void {
    const key = exchangeKey(record, message.id, direction === Direction.INCOMING);
    if (message.isAnswer) this.#answer(message, record, timeNs, key, direction);
    else this.#query(message, record, timeNs, key, direction);
  }

  /** Gives up what was asked too long before `nowNs`. */
  expire(nowNs: number): void {
    for (const query of this.#waiting) {
      if (nowNs - query.askedNs <= TIMEOUT_NS) return;
      this.#giveUp(query);
    }
  }

  #query(message: Message, record: Cursor, timeNs: number, key: number, direction: Direction): void {
    const asked = message.question && this.#waiting.find(message, record, key, direction);
    if (asked) {
      if (timeNs - asked.askedNs <= TIMEOUT_NS) return this.events.repeated();
      this.#giveUp(asked);
    }
    if (this.#waiting.add(message, record, timeNs, key, direction)) return;
    this.expire(timeNs);
    if (!this.#waiting.add(message, record, timeNs, key, direction)) this.events.stray("too_many_queries");
  }

  #answer(message: Message, record: Cursor, timeNs: number, key: number, direction: Direction): void {
    const query =
      this.#waiting.find(message, record, key, direction) ?? this.#translated(message, record, key, direction);
    if (!query) return this.events.stray(this.#wasGivenUp(key, message.question) ? "late_answer" : "no_query");
    const latencyNs = timeNs - query.askedNs;
    if (latencyNs > TIMEOUT_NS) {
      this.#giveUp(query);
      return this.events.stray("late_answer");
    }
    this.#waiting.remove(query);
    if (query.pid === 0) {
      query.pid = dnsEvent.tgid(record);
      query.processName = dnsEvent.comm(record);
    }
    // The clocks of two CPUs may disagree by a little.
    this.events.answered(query, message, Math.max(0, latencyNs));
  }

  /**
   * A socket that is not connected knows its peer from packets alone, and its query was seen after address translation on
   * this host, the answer after that was undone: the answer has the address that was asked.
   */
  #translated(message: Message, record: Cursor, key: number, direction: Direction): WaitingQuery | undefined {
    if (direction !== Direction.OUTGOING) return undefined;
    const query = this.#waiting.find(message, record, key, direction, true);
    if (query) query.ends = endsOf(record);
    return query;
  }

  #giveUp(query: WaitingQuery): void {
    this.#waiting.remove(query);
    this.#givenUp.delete(query.key); // so that it becomes the newest
    this.#givenUp.set(query.key, textOf(query.question));
    if (this.#givenUp.size > MOST_GIVEN_UP) this.#givenUp.delete(this.#givenUp.keys().next().value!);
    this.events.givenUp(query);
  }

  #wasGivenUp(key: number, question: Question | undefined): boolean {
    const asked = this.#givenUp.get(key);
    return asked !== undefined && (question === undefined || asked === textOf(question));
  }
}

/** Who sends a query or gets an answer asks; who gets a query or sends an answer is asked. */
export function directionOf(message: Message, record: Cursor): Direction {
  const sent = (dnsEvent.flags(record) & SENT) !== 0;
  return sent === message.isAnswer ? Direction.INCOMING : Direction.OUTGOING;
}

const textOf = (question: Question | undefined): string => (question ? `${question.type} ${question.wireName}` : "");
