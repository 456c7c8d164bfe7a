// SPDX-License-Identifier: MIT
import { bpfCommand } from "../setup/build.mjs";

const node = process.execPath;
const ava = (pattern, ...options) => [node, "node_modules/ava/entrypoints/cli.mjs", ...options, pattern];
const minutes = (count) => count * 60_000;

/**
 * What is tried on every kernel: tests whose title says so, in the files that have any. They load every program with every strategy,
 * and compare what it tells with the truth. Left out is what does not depend on the kernel, because an emulated machine takes some
 * twenty times as long as this one, on which all live tests run: what JavaScript makes of records, how lines of shells, headers
 * and rules may look, the command, plugin-kubernetes (no program of its own) and plugin-process (its events are what plugin-bash's
 * tests wait for). `npm run kernels` without a match runs all live tests on every kernel, in an hour or two.
 */
const kernelTests = [
  "--match",
  "*on every kernel*",
  "packages/backend-libbpf/test/live/{ladder,maps}.test.ts",
  "packages/plugin-net/test/live/{strategies,dns,http,tls}.test.ts",
  "packages/plugin-bash/test/live/places.test.ts",
  "packages/plugin-conntrack/test/live/flows.test.ts",
];

/**
 * @typedef {object} TestStep
 * @property {string} name
 * @property {string} what
 * @property {readonly string[]} command
 * @property {number} limit milliseconds; a watchdog with room for a busy machine, not a promise
 * @property {boolean} [root] needs to be root
 */

/**
 * Steps of one stage run side by side. Live tests measure time, so nothing but themselves runs beside them; emulated machines
 * take all of two processors.
 * @type {readonly (readonly TestStep[])[]}
 */
export const stages = [
  [
    {
      name: "types",
      what: "sources and tests type-check",
      command: [node, "node_modules/typescript/bin/tsc", "-p", "tsconfig.test.json"],
      limit: minutes(2),
    },
    { name: "lint", what: "eslint", command: [node, "node_modules/eslint/bin/eslint.js", "."], limit: minutes(2) },
    {
      name: "format",
      what: "prettier",
      command: [node, "node_modules/prettier/bin/prettier.cjs", "--check", "--log-level=warn", "."],
      limit: minutes(2),
    },
    {
      name: "transpile",
      what: "tests need no compiler later",
      command: [node, "scripts/test/mirror.mjs"],
      limit: minutes(2),
    },
    {
      name: "generated",
      what: "committed codecs are what the toolchain generates",
      command: [node, "scripts/test/generated.mjs", bpfCommand()],
      limit: minutes(2),
    },
    {
      name: "docs",
      what: "pages generated from declarations are current",
      command: [node, "scripts/docs.mjs", "--check"],
      limit: minutes(1),
    },
  ],
  [{ name: "unit", what: "unit and golden tests", command: [node, "scripts/test/unit.mjs"], limit: minutes(8) }],
  [
    {
      name: "live",
      what: "this machine's kernel",
      // libbpf's log hook and descriptors are those of a process: a process for each file.
      command: ava("*/!(cli)/test/live/**", "--no-worker-threads", "--concurrency=2", "--timeout=2m"),
      limit: minutes(12),
      root: true,
    },
  ],
  [
    {
      name: "command",
      what: "the command on this machine's kernel",
      // Each starts it some ten times, which waits more than it works.
      command: ava("packages/cli/test/live/**", "--no-worker-threads", "--concurrency=3", "--timeout=2m"),
      limit: minutes(12),
      root: true,
    },
    {
      name: "integration",
      what: "with compilers, servers and processes",
      command: ava("**/test/integration/**", "--concurrency=1", "--timeout=2m"),
      limit: minutes(8),
    },
    {
      name: "package",
      what: "packed, installed and used",
      command: ava("**/test/package/**", "--timeout=4m"),
      limit: minutes(10),
    },
  ],
  [
    {
      name: "kernels",
      what: "stock kernels under QEMU",
      command: ["npm", "run", "--silent", "kernels", "--", "--timeout", "600", ...kernelTests],
      limit: minutes(22),
    },
  ],
];
