// SPDX-License-Identifier: MIT
// Regenerates every committed *.gen.ts in memory and fails on a difference: `node generated.mjs PATH-OF-SKEP-BPF`.
import { spawnSync } from "node:child_process";
import { filesBelow, packageFolders } from "../setup/stamp.mjs";
import { join } from "node:path";

const skepBpf = process.argv[2];
const withBpf = packageFolders().filter((folder) =>
  filesBelow(join(folder, "bpf")).some((file) => file.endsWith(".bpf.c")),
);
const failed = withBpf.filter(
  (cwd) => spawnSync(process.execPath, [skepBpf, "build", "--check"], { cwd, stdio: "inherit" }).status !== 0,
);
process.exitCode = failed.length === 0 ? 0 : 1;
