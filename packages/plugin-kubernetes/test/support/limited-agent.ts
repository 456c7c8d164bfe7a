// SPDX-License-Identifier: MIT
// A program: starts ebpf-net with whatever capabilities it was given, tells what came of it, and ends.

import { libbpfBackend } from "@skep/backend-libbpf";
import { createAgent } from "@skep/core";
import { net } from "@skep/plugin-net";

const backend = libbpfBackend();
const limits = { loadMs: 180_000, setupMs: 60_000, startMs: 60_000, flushMs: 120_000, stopMs: 60_000 };
const agent = createAgent({ backend, plugins: [net], scope: { pids: [process.pid] }, limits });
await agent.start().catch(() => {});
const { state, reasons, strategies } = agent.status().plugins[0]!;
const chosen = Object.fromEntries(Object.entries(strategies).map(([group, { name }]) => [group, name ?? null]));
process.stdout.write(JSON.stringify({ state, reasons, strategies: chosen }));
await agent.stop();
await backend.close();
