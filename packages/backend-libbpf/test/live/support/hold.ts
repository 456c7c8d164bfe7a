// SPDX-License-Identifier: MIT

// Loads and attaches, says so, and waits to be killed.
import { libbpfBackend } from "../../../src/index.js";
import { compile } from "./compile.js";
import { group, request } from "./request.js";

const session = await libbpfBackend().open(
  request({
    objects: { ladder: await compile("ladder") },
    probes: { calls: group({ name: "raw", programs: { by_raw_tp: { kind: "raw_tp", event: "sys_enter" } } }) },
    rodata: { target_tgid: process.pid, enabled: true },
  }),
);
await session.attach();
session.ring("ladder_events").wait(() => {});
console.log("attached");
setInterval(() => {}, 1000);
