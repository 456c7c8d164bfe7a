// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { type Enrichment, flowTagsOf } from "../flow-tags.js";
import { Direction } from "../netflow/direction.js";
import type { Interval } from "./aggregate.js";
import { ExchangeKey } from "./exchange-table.js";
import { httpflow } from "./measurement.js";
import { PartyKey } from "./parties.js";

/** The point of one bucket of the interval. */
export function pointOf(interval: Interval, index: number, time: bigint, enrichment: Enrichment): Point {
  const { exchanges, lines } = interval;
  const { table, names, nats } = interval.parties;
  const party = exchanges.part(index, ExchangeKey.party);
  const at = table.keyAt(party);
  const direction = table.part(party, PartyKey.direction) as Direction;
  const flow = {
    transport: "tcp",
    direction,
    words: table.keys,
    srcAt: at + PartyKey.srcAddr,
    dstAt: at + PartyKey.dstAddr,
    srcPort: table.part(party, PartyKey.srcPort),
    dstPort: table.part(party, PartyKey.dstPort),
    pid: table.part(party, PartyKey.pid),
    processName: names.textOf(table.part(party, PartyKey.processName)),
    nat: nats.textOf(table.part(party, PartyKey.nat)),
  } as const;
  const { method, path, version, truncated } = lines.request(exchanges.part(index, ExchangeKey.line));
  const serves = direction === Direction.INCOMING;
  const requestBytes = exchanges.requestBytes[index]!;
  const responseBytes = exchanges.responseBytes[index]!;
  const responded = exchanges.responded[index]!;

  return httpflow.point(time, flowTagsOf(flow, enrichment), {
    count: exchanges.count[index]!,
    method,
    path,
    http_version: version,
    status_code: exchanges.part(index, ExchangeKey.status),
    latency: responded === 0 ? 0 : Math.round(exchanges.latencySumNs[index]! / responded),
    bytes_read: serves ? requestBytes : responseBytes,
    bytes_written: serves ? responseBytes : requestBytes,
    truncated,
  });
}
