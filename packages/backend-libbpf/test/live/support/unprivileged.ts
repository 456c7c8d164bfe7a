// SPDX-License-Identifier: MIT

// Tries to choose without privileges and writes the error.
import type { SkepError } from "@skep/core";
import { libbpfBackend } from "../../../src/index.js";
import { group, request } from "./request.js";

const strategy = { name: "raw", programs: { any: { kind: "raw_tp", event: "sys_enter" } } } as const;
try {
  await libbpfBackend().choose(request({ objects: { x: new Uint8Array(8) }, probes: { x: group(strategy) } }));
} catch (error) {
  const { code, message, hint } = error as SkepError;
  console.log(JSON.stringify({ code, message, hint }));
}
