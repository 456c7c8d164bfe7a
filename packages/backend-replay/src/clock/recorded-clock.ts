// SPDX-License-Identifier: MIT

import type { Clock } from "@skep/core";
import type { RecordingHeader } from "../recording/header.js";
import { fakeClock, type FakeClock } from "./fake-clock.js";

/**
 * `base`, set back to the time of a recording: intervals are as long as ever, but times of the kernel and of points are those
 * of the day it was made. What an agent that replays in real time should go by.
 */
export function recordedClock(header: RecordingHeader, base: Clock): Clock {
  const monotonicShift = header.clock.monotonicNs - base.monotonicNs();
  const unixShift = header.clock.unixNs - base.unixNs();
  return {
    now: () => base.now(),
    monotonicNs: () => base.monotonicNs() + monotonicShift,
    unixNs: () => base.unixNs() + unixShift,
    after: (ms, fn) => base.after(ms, fn),
    soon: (fn) => base.soon(fn),
  };
}

/** A fake clock that starts when the recording does. */
export function fakeRecordedClock(header: RecordingHeader): FakeClock {
  return fakeClock(header.clock);
}
