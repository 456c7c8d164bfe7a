// SPDX-License-Identifier: MIT

import {
  type CallSink,
  type Decoder,
  type Detector,
  Http1Connection,
  Http2Connection,
  HTTP2_PREFACE,
  latin1,
  looksLikeRequest,
  Side,
} from "@skep/protocols";
import { traceHeaders } from "./app-trace/index.js";
import { AmqpDecoder, beginsAmqp, continuesAmqp } from "./amqp/decoder.js";
import { KafkaDecoder } from "./kafka/decoder.js";
import { continuesKafka, opensKafka } from "./kafka/requests.js";
import { MongoDecoder } from "./mongodb/decoder.js";
import { beginsMongo } from "./mongodb/messages.js";
import { continuesMysql, greetsMysql, MysqlDecoder } from "./mysql/decoder.js";
import type { ProtocolName } from "./names.js";
import { beginsPostgres, continuesPostgres, PostgresDecoder } from "./postgresql/decoder.js";
import { beginsRedis, continuesRedis, RedisDecoder } from "./redis/decoder.js";
import type { DecoderStart } from "./wire/paired-decoder.js";

/** How a protocol is known, and decoded. */
interface Protocol {
  readonly name: ProtocolName;
  /** Whether these bytes are what one end says first. */
  begins(bytes: Uint8Array): boolean;
  /** Whether a request begins with these bytes, where nothing is known of what came before. */
  continues(bytes: Uint8Array): boolean;
  /** What begins a connection may elsewhere be an answer. */
  readonly isAmbiguous?: true;
  /** Who speaks first. */
  readonly first: Side;
  decoder(start: DecoderStart): Decoder;
}

const never = (): boolean => false;

/** Empty lines before a request, which servers pass over. */
const isHttp1 = (bytes: Uint8Array): boolean => {
  let at = 0;
  while (bytes[at] === 13 || bytes[at] === 10) at++;
  return looksLikeRequest(bytes, at, bytes.length);
};

const protocols: readonly Protocol[] = [
  {
    name: "http2",
    begins: (bytes) => latin1(bytes, 0, Math.min(bytes.length, HTTP2_PREFACE.length)) === HTTP2_PREFACE,
    continues: never,
    first: Side.REQUESTS,
    decoder: ({ sink }) => new Http2Connection(sink, { prefaceLeft: HTTP2_PREFACE.length, wanted: traceHeaders }),
  },
  {
    name: "http",
    begins: isHttp1,
    continues: isHttp1,
    first: Side.REQUESTS,
    decoder: ({ sink, isMidway }) => new Http1Connection(sink, { isMidway, wanted: traceHeaders }),
  },
  {
    name: "redis",
    begins: beginsRedis,
    continues: continuesRedis,
    isAmbiguous: true,
    first: Side.REQUESTS,
    decoder: (start) => new RedisDecoder(start),
  },
  {
    name: "postgresql",
    begins: beginsPostgres,
    continues: continuesPostgres,
    first: Side.REQUESTS,
    decoder: (start) => new PostgresDecoder(start),
  },
  {
    name: "mysql",
    begins: greetsMysql,
    continues: continuesMysql,
    first: Side.RESPONSES,
    decoder: (start) => new MysqlDecoder(start),
  },
  {
    name: "amqp",
    begins: beginsAmqp,
    continues: continuesAmqp,
    first: Side.REQUESTS,
    decoder: (start) => new AmqpDecoder(start),
  },
  {
    name: "kafka",
    begins: opensKafka,
    continues: continuesKafka,
    isAmbiguous: true,
    first: Side.REQUESTS,
    decoder: (start) => new KafkaDecoder(start),
  },
  {
    name: "mongodb",
    begins: beginsMongo,
    continues: beginsMongo,
    first: Side.REQUESTS,
    decoder: (start) => new MongoDecoder(start),
  },
];

/** Enough to tell any of them from the others, and from nothing. */
const LONGEST_OPENING = 512;

/** What {@link detectProtocol} found. */
export interface DetectedProtocol {
  readonly name: ProtocolName;
  /** The end whose bytes carry requests. */
  readonly requests: "read" | "written";
}

/**
 * What a connection speaks, by the first bytes of either direction; undefined as long as they do not say, and for protocols that
 * nobody here knows. One is never taken for another: each is known by bytes the others cannot begin with.
 */
export function detectProtocol(read: Uint8Array, written: Uint8Array): DetectedProtocol | undefined {
  for (const [bytes, isRead] of [[read, true] as const, [written, false] as const]) {
    const found = protocols.find(({ begins }) => begins(bytes));
    if (found === undefined) continue;
    const isAsking = found.first === Side.REQUESTS;
    return { name: found.name, requests: isAsking === isRead ? "read" : "written" };
  }
  return undefined;
}

/**
 * Finds out what conversations speak and has them decoded.
 * @param sink gets the calls: `Exchange`s of HTTP, `WireCall`s of everything else; both for `spanFields`
 * @param isWanted HTTP/1.1 may become HTTP/2, and HTTP/2 carry gRPC: whether a call is wanted is asked again by its name
 */
export function protocolDetector(sink: CallSink, isWanted: (name: ProtocolName) => boolean): Detector {
  const wanted = protocols.filter(({ name }) => isWanted(name) || (name === "http2" && isWanted("grpc")));
  return (opening, isMidway) => {
    for (const { begins, continues, isAmbiguous, first, decoder } of wanted) {
      if (isMidway && continues(opening)) return { side: Side.REQUESTS, decoder: decoder({ sink, isMidway: true }) };
      if (isMidway && isAmbiguous) continue;
      // Also one that was joined may be so young that it only begins here.
      if (begins(opening)) return { side: first, decoder: decoder({ sink, isMidway: false }) };
    }
    return opening.length < LONGEST_OPENING ? "more" : undefined;
  };
}
