// SPDX-License-Identifier: MIT

import { silentLogger, type OpenRequest, type ProbeGroup, type Strategy } from "@skep/core";

/** A group with one strategy, or several. */
export const group = (...strategies: readonly [Strategy, ...Strategy[]]): ProbeGroup => ({
  observes: "what the test does",
  strategies,
});

/** An open request with nothing asked for but what is given. */
export const request = (given: Pick<OpenRequest, "objects" | "probes"> & Partial<OpenRequest>): OpenRequest => ({
  plugin: "live-test",
  rodata: {},
  mapEntries: {},
  scope: {},
  log: silentLogger,
  ...given,
});
