// SPDX-License-Identifier: MIT
import { bpfCommand } from "../setup/build.mjs";

const node = process.execPath;
const ava = (pattern, ...options) => [node, "node_modules/ava/entrypoints/cli.mjs", ...options, pattern];
const minutes = (count) => count * 60_000;

/**
 * What is tried on every kernel: the backend, the plugins, and a command's bytes through the whole house. The command's other
 * tests are not among them: they start it some thirty times, which takes an emulated machine a quarter of an hour.
 */
const kernelTests = [
  "packages/{backend-libbpf,plugin-*}/test/live/**/*.test.ts",
  "packages/cli/test/live/bytes.test.ts",
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
 * Steps of one stage run side by side; live tests measure time and share the kernel, so they run alone.
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
  [{ name: "unit", what: "unit and golden tests", command: ava("**/test/{unit,golden}/**"), limit: minutes(8) }],
  [
    {
      name: "live",
      what: "this machine's kernel",
      // libbpf's log hook and descriptors are those of a process: a process for each file.
      command: ava("**/test/live/**", "--no-worker-threads", "--concurrency=1", "--timeout=2m"),
      limit: minutes(20),
      root: true,
    },
  ],
  [
    {
      name: "kernels",
      what: "stock kernels under QEMU",
      command: ["npm", "run", "--silent", "kernels", "--", ...kernelTests],
      limit: minutes(45),
    },
  ],
  [
    {
      name: "package",
      what: "packed, installed and used",
      command: ava("**/test/package/**", "--timeout=4m"),
      limit: minutes(10),
    },
  ],
];
