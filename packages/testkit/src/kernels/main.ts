#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { runCommandLine } from "./command-line.js";

// An end by signal runs the exit handlers too, which remove the run's images.
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}

process.exitCode = await runCommandLine(process.argv);
