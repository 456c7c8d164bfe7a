// SPDX-License-Identifier: MIT

import type { Clock, Timer } from "./clock.js";

/** Calls `turn` every `ms` milliseconds, the next one counted from the end of the last. Returns how to stop. `turn` must not reject. */
export function periodically(clock: Clock, ms: number, turn: () => Promise<void>): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  const schedule = () => {
    timer = clock.after(ms, () => {
      void turn().then(() => {
        if (!stopped) schedule();
      });
    });
  };
  schedule();
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
