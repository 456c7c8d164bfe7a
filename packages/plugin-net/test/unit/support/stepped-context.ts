// SPDX-License-Identifier: MIT

import { setTimeout } from "node:timers/promises";
import {
  ProcessTable,
  type BpfMap,
  type Cursor,
  type PluginContext,
  type Point,
  type RecordHandler,
  type ServiceId,
} from "@skep/core";
import { netConfig, type NetConfig } from "../../../src/config.js";

/** What a test lets the plugin see, and where it may step in. */
export interface Stage {
  /** Maps by name; none: there is no strategy for UDP. */
  readonly maps?: Readonly<Record<string, Pick<BpfMap, "update" | "scan">>>;
  /** Records of `harvest_cast`; what it throws, reading throws. */
  readonly harvest?: () => AsyncIterable<Cursor>;
  /** Called for each point in the middle of emitting. */
  readonly emitted?: (point: Point) => void;
}

/** A context without an agent around it: the test calls what the agent would, when it wants to. */
export class SteppedContext {
  readonly points: Point[] = [];
  readonly counts = { observed: 0, aggregated: 0 };
  openIterators = 0;
  /** What the plugin wants run once a second. */
  everySecond: () => void | Promise<void> = () => {};
  #closed: RecordHandler = () => {};

  constructor(private readonly stage: Stage) {}

  /** A connection closed: its last record comes out of the ring now. */
  closed(record: Cursor): void {
    this.counts.observed++;
    this.#closed(record);
  }

  asContext(): PluginContext<NetConfig> {
    const { maps, harvest, emitted } = this.stage;
    const strategies: Readonly<Record<string, string>> = { tcp_harvest: "cast", ...(maps && { udp: "fentry" }) };
    const context = {
      config: netConfig.parse({}),
      strategy: (group: string) => strategies[group],
      hasProgram: () => false,
      use: (id: ServiceId<unknown>) => {
        if (id.key !== ProcessTable.key) throw new Error(`${id.key} is not on stage`);
        return { nameOf: () => "" };
      },
      tryUse: () => undefined,
      ring: () => ({ on: (handler: RecordHandler) => void (this.#closed = handler) }),
      map: (name: string) => {
        if (!maps?.[name]) throw new Error(`map ${name} is not on stage`);
        return maps[name];
      },
      iterator: () => {
        this.openIterators++;
        return {
          read: async (_size: number, handler: RecordHandler) => {
            let records = 0;
            for await (const record of harvest?.() ?? []) {
              handler(record);
              records++;
            }
            return records;
          },
          close: () => void this.openIterators--,
        };
      },
      sleep: (ms: number) => setTimeout(ms),
      every: (_ms: number, fn: () => void | Promise<void>) => void (this.everySecond = fn),
      count: (kind: "observed" | "aggregated", n = 1) => void (this.counts[kind] += n),
      drop: () => {},
      emit: (point: Point) => {
        this.points.push(point);
        emitted?.(point);
      },
    };
    return context as unknown as PluginContext<NetConfig>;
  }
}
