// SPDX-License-Identifier: MIT

import type { BpfMap, RecordHandler } from "@skep/core";
import { cursorOn } from "./encode.js";
import { datagramBytes } from "./records.js";

/** A datagram the kernel counts at some step of the plugin. */
export interface Datagram {
  readonly pid: number;
  readonly read: number;
  readonly written: number;
  /**
   * How far its program gets before it is interrupted for a moment: not at all, after it read whose turn it is, or after
   * it looked its entry up. What it adds to an entry that was taken out meanwhile is lost, as in the kernel.
   */
  readonly interrupted: "never" | "after turn" | "after lookup";
}

interface Counts {
  read: number;
  written: number;
}

/**
 * How long an interruption lasts, in microtasks: longer than the plugin takes from a turn to the next drain, and always
 * over before any timer of the plugin fires.
 */
const INTERRUPTION = 100;

/**
 * Two UDP flow maps in which a kernel counts while user space reads: at each step of the plugin (a turn, a scan, an entry)
 * programs run. Mirrors count_datagram of bpf/udp.bpf.h.
 */
export class UdpKernel {
  /** What really passed, by process. */
  readonly truth = new Map<number, Counts>();
  readonly maps: Readonly<Record<string, Pick<BpfMap, "update" | "scan">>>;
  readonly #flows = [new Map<number, Counts>(), new Map<number, Counts>()] as const;
  readonly #running = new Set<Promise<void>>();
  #turn: 0 | 1 = 0;

  constructor(private readonly nextDatagrams: () => readonly Datagram[]) {
    const update = (_key: Uint8Array, value: Uint8Array): void => {
      this.step();
      this.#turn = value[0] === 0 ? 0 : 1;
      this.step();
    };
    const noScan = (): never => {
      throw new Error("udp_turn is not scanned");
    };
    const noUpdate = (): never => {
      throw new Error("user space does not write flows");
    };
    this.maps = {
      udp_turn: { update, scan: noScan },
      udp_flows_0: { update: noUpdate, scan: (visit, options) => this.#scan(0, visit, options) },
      udp_flows_1: { update: noUpdate, scan: (visit, options) => this.#scan(1, visit, options) },
    };
  }

  /** Programs run now. */
  step(): void {
    for (const datagram of this.nextDatagrams()) this.#pass(datagram);
  }

  /** Resolves when no program is interrupted any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #pass({ pid, read, written, interrupted }: Datagram): void {
    const total = entryOf(this.truth, pid);
    total.read += read;
    total.written += written;
    const flows = this.#flows[this.#turn];
    const found = interrupted === "after turn" ? undefined : entryOf(flows, pid);
    const finish = (): void => {
      const entry = found ?? entryOf(flows, pid);
      entry.read += read;
      entry.written += written;
    };
    if (interrupted === "never") return finish();
    const running = interruption().then(() => {
      finish();
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #scan(
    map: 0 | 1,
    visit: (key: Parameters<RecordHandler>[0], value: Parameters<RecordHandler>[0]) => void,
    options?: { readonly remove?: boolean },
  ): Promise<number> {
    const flows = this.#flows[map];
    let visited = 0;
    this.step();
    for (const [pid, counts] of flows) {
      const { key, value } = datagramBytes({ pid, ...counts });
      // The kernel takes an entry out under the lock of its bucket, so the reading and the removal are one.
      if (options?.remove) flows.delete(pid);
      visit(cursorOn(key), cursorOn(value));
      visited++;
      this.step();
      await Promise.resolve();
      this.step();
    }
    return visited;
  }
}

async function interruption(): Promise<void> {
  for (let microtask = 0; microtask < INTERRUPTION; microtask++) await undefined;
}

function entryOf(flows: Map<number, Counts>, pid: number): Counts {
  let counts = flows.get(pid);
  if (!counts) flows.set(pid, (counts = { read: 0, written: 0 }));
  return counts;
}
