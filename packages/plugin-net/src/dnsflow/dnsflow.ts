// SPDX-License-Identifier: MIT

import {
  type Cursor,
  DomainNames,
  KubernetesMetadata,
  type PluginContext,
  type PluginInstance,
  ProcessTable,
} from "@skep/core";
import type { NetConfig } from "../config.js";
import { dnsEvent } from "../dns-codec.gen.js";
import { emitInSlices } from "../emit.js";
import { Transport } from "../netflow/aggregate.js";
import { Direction } from "../netflow/direction.js";
import { Aggregate, NO_ANSWER } from "./aggregate.js";
import { addressesOf } from "./answers.js";
import { directionOf, Exchanges, type ExchangeEvents } from "./exchanges.js";
import { type Message, nameText, peek } from "./message.js";
import { TcpMessages } from "./tcp-messages.js";
import { pointOf } from "./points.js";
import { A, AAAA, ANY } from "./types.js";
import type { Query } from "./waiting-queries.js";

const DNS_PORT = 53;
const RECORD_BYTES = dnsEvent.layout.size;

/**
 * dnsflow at work: messages come by ring, answers are matched with queries, exchanges are folded until the flush.
 *
 * Accounting: a datagram is one observation. A TCP segment is folded into the messages it brings, and those are observed
 * instead. An exchange is two or more messages that become one point, or join one; a query without answer is one.
 */
export class Dnsflow implements PluginInstance, ExchangeEvents {
  readonly #context: PluginContext<NetConfig>;
  readonly #exchanges: Exchanges;
  readonly #aggregate: Aggregate;
  readonly #tcp: TcpMessages;
  #domains: DomainNames | undefined;

  constructor(context: PluginContext<NetConfig>) {
    const { config } = context;
    const processes = context.use(ProcessTable);
    this.#context = context;
    this.#exchanges = new Exchanges(this, config.dnsflow_max_waiting);
    this.#aggregate = new Aggregate({
      maxKeys: config.dnsflow_max_keys,
      maxQuestions: config.dnsflow_question_tags ? config.dnsflow_max_questions : undefined,
      nameOfProcess: (pid) => processes.nameOf(pid),
    });
    this.#tcp = new TcpMessages(() => {
      context.count("observed");
      context.drop("tcp_incomplete");
    });
    context.ring("dns").on((record) => this.#read(record));
  }

  start(): void {
    this.#domains = this.#context.tryUse(DomainNames);
  }

  async flush(time: bigint): Promise<void> {
    this.#domains = this.#context.tryUse(DomainNames);
    const nowNs = Number(time - this.#context.bootTime());
    this.#tcp.expire(nowNs);
    this.#exchanges.expire(nowNs);
    const interval = this.#aggregate.take();
    const enrichment = { domains: this.#domains, kubernetes: this.#context.tryUse(KubernetesMetadata) };
    await emitInSlices(this.#context, interval.table.size, (index) => pointOf(interval, index, time, enrichment));
  }

  /** Whether what was asked last would have been answered nobody knows. */
  close(): void {
    this.#context.drop("unfinished", this.#exchanges.waiting);
  }

  // hot
  #read(record: Cursor): void {
    const { buffer, byteOffset } = record.bytes;
    const bytes = Buffer.from(buffer, byteOffset + record.at + RECORD_BYTES, dnsEvent.captured(record));
    const timeNs = dnsEvent.timeNs(record);
    if (dnsEvent.transport(record) === Transport.UDP) return this.#hear(bytes, record, timeNs);
    this.#context.count("aggregated");
    const stream = `${dnsEvent.socketBig(record)} ${dnsEvent.flags(record)}`;
    this.#tcp.push(stream, dnsEvent.seq(record), bytes, timeNs, (whole, wholeNs) => {
      this.#context.count("observed");
      this.#hear(whole, record, wholeNs);
    });
  }

  #hear(bytes: Buffer, record: Cursor, timeNs: number): void {
    const message = peek(bytes);
    if (!message) return this.#context.drop("not_dns");
    const direction = directionOf(message, record);
    const serverPort = direction === Direction.INCOMING ? dnsEvent.srcPort(record) : dnsEvent.dstPort(record);
    if (serverPort !== DNS_PORT) return this.#context.drop("not_dns");
    this.#exchanges.hear(message, record, timeNs, direction);
  }

  answered(query: Query, answer: Message, latencyNs: number): void {
    this.#fold(query, answer.rcode, latencyNs, 2);
    if (query.direction === Direction.OUTGOING && carriesAddresses(query, answer)) this.#learn(query, answer);
  }

  givenUp(query: Query): void {
    this.#fold(query, NO_ANSWER, 0, 1);
  }

  repeated(): void {
    this.#context.count("aggregated");
  }

  stray(reason: string): void {
    this.#context.drop(reason);
  }

  /** @param messages how many observations the exchange is */
  #fold(query: Query, rcode: number, latencyNs: number, messages: number): void {
    const folded = this.#aggregate.add(query, rcode, latencyNs);
    if (folded === "no_room") this.#context.drop("too_many_keys", messages);
    else this.#context.count("aggregated", folded === "opened" ? messages - 1 : messages);
  }

  #learn({ question }: Query, { bytes }: Message): void {
    if (!this.#domains || !question) return;
    for (const address of addressesOf(bytes, nameText(question.wireName))) this.#domains.learn(address);
  }
}

function carriesAddresses({ question }: Query, { rcode, answerCount }: Message): boolean {
  return rcode === 0 && answerCount > 0 && [A, AAAA, ANY].includes(question?.type ?? 0);
}
