// SPDX-License-Identifier: MIT

import type { AgentLimits, RestartOptions } from "./options.js";

export const defaultIntervalMs = 60_000;
export const defaultService = "ebpf";

export const defaultRestart: RestartOptions = { initialMs: 1_000, maxMs: 60_000, healthyMs: 300_000 };

export const defaultLimits: AgentLimits = {
  loadMs: 60_000,
  setupMs: 15_000,
  startMs: 15_000,
  flushMs: 15_000,
  closeMs: 5_000,
  stopMs: 10_000,
  queuedPoints: 100_000,
  batchPoints: 512,
  exportMs: 30_000,
  retryMs: 500,
  maxRetryMs: 30_000,
  iteratorPoints: 10_000,
};
