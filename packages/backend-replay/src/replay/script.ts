// SPDX-License-Identifier: MIT

import type { Turn } from "../recording/frame.js";
import type { Recording } from "../recording/reader.js";

/** What one recorded session has to say to its plugin besides kernel records, and the plugin's side of it. */
export class Script {
  /** Functions the plugin wants called again and again, in the order it asked. */
  readonly timers: (() => void | Promise<void>)[] = [];
  /** Ends the plugin's sleeps, in the order it fell asleep. */
  readonly sleepers: (() => void)[] = [];
  /** Flushes that are to come now. */
  readonly dueFlushes: Extract<Turn, { why: "flush" }>[] = [];
  readonly #answers = new Map<string, unknown[]>();
  #catchUp: ((map: string) => void) | undefined;

  constructor(readonly recording: Recording) {
    for (const frame of recording.frames) {
      if (frame.kind !== "told") continue;
      const { key, value } = frame.told;
      const known = this.#answers.get(key);
      if (known === undefined) this.#answers.set(key, [value]);
      else known.push(value);
    }
    for (const answers of this.#answers.values()) answers.reverse(); // popped in their order
  }

  /** The plugin is set up. @param catchUp makes it read a ring now */
  begin(catchUp: (map: string) => void): void {
    this.#catchUp = catchUp;
  }

  catchUp(map: string): void {
    this.#catchUp?.(map);
  }

  /** The recorded answers to a question in their order, the last one for ever; `otherwise` when it was never asked. */
  answer<T>(key: string, otherwise: () => T): T {
    const answers = this.#answers.get(key);
    if (answers === undefined) return otherwise();
    return (answers.length > 1 ? answers.pop() : answers[0]) as T;
  }
}
