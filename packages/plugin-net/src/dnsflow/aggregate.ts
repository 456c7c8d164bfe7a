// SPDX-License-Identifier: MIT

import { Interner } from "../netflow/interner.js";
import { DnsKey, DnsTable } from "./dns-table.js";
import { QuestionNames } from "./question-names.js";
import type { Query } from "./waiting-queries.js";

const DNS_PORT = 53;
/** The rcode of a query that was not answered. */
export const NO_ANSWER = -1;

/** What became of one exchange: a new bucket of this interval, one more in a bucket, or nothing for want of room. */
export type Folded = "opened" | "joined" | "no_room";

/** The buckets of one interval, and the texts their keys number. */
export class Interval {
  readonly table = new DnsTable();
  readonly names = new Interner();
  readonly questions: QuestionNames;

  constructor(maxQuestions: number) {
    this.questions = new QuestionNames(maxQuestions);
  }
}

export interface AggregateOptions {
  /** Buckets in one interval. */
  readonly maxKeys: number;
  /** Names of questions told apart in one interval; undefined: neither they nor their types are. */
  readonly maxQuestions: number | undefined;
  /** Name of a process whose name the kernel did not tell. */
  nameOfProcess(pid: number): string;
}

/** Folds exchanges into the buckets of the interval. */
export class Aggregate {
  readonly #options: AggregateOptions;
  #interval: Interval;

  constructor(options: AggregateOptions) {
    this.#options = options;
    this.#interval = new Interval(options.maxQuestions ?? 0);
  }

  /** @param latencyNs 0 without answer */
  // hot
  add(query: Query, rcode: number, latencyNs: number): Folded {
    const { table, names, questions } = this.#interval;
    const { key } = table;
    const before = table.size;
    key.set(query.ends, DnsKey.srcAddr);
    key[DnsKey.srcPort] = query.srcPort === DNS_PORT ? DNS_PORT : 0;
    key[DnsKey.dstPort] = query.dstPort === DNS_PORT ? DNS_PORT : 0;
    key[DnsKey.pid] = query.pid;
    key[DnsKey.transport] = query.transport;
    key[DnsKey.direction] = query.direction;
    key[DnsKey.rcode] = rcode;
    key[DnsKey.processName] = names.numberOf(query.processName || this.#options.nameOfProcess(query.pid));
    if (this.#options.maxQuestions !== undefined && query.question) {
      key[DnsKey.questionName] = questions.numberOf(query.question.wireName);
      key[DnsKey.questionType] = query.question.type;
    } else {
      key[DnsKey.questionName] = key[DnsKey.questionType] = 0;
    }
    const bucket = before < this.#options.maxKeys ? table.upsert() : table.find();
    if (bucket === 0) return "no_room";
    table.count[bucket]! += 1;
    table.latencySumNs[bucket]! += latencyNs;
    table.latencyMaxNs[bucket] = Math.max(table.latencyMaxNs[bucket]!, latencyNs);
    return table.size === before ? "joined" : "opened";
  }

  /** Ends the interval and begins the next one. */
  take(): Interval {
    const interval = this.#interval;
    this.#interval = new Interval(this.#options.maxQuestions ?? 0);
    return interval;
  }
}
