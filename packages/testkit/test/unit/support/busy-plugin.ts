// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";

export const release = readFileSync("/proc/sys/kernel/osrelease", "utf8");
export const timer = setInterval(() => {}, 1000).unref();
