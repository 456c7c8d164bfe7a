// SPDX-License-Identifier: MIT

// Tries a strategy that the verifier refuses and writes why to stdout.
import { libbpfBackend } from "../../../src/index.js";
import { compile } from "./compile.js";
import { group, request } from "./request.js";

const strategy = { name: "raw", programs: { refused_by_verifier: { kind: "raw_tp", event: "sys_enter" } } } as const;
const { calls } = await libbpfBackend().choose(
  request({ objects: { ladder: await compile("ladder") }, probes: { calls: group(strategy) } }),
);
console.log(calls?.refused[0]?.reason);
