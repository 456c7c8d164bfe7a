// SPDX-License-Identifier: MIT
// `npm run test:unit`: unit and golden tests, in the mirror of the workspace. Arguments are ava's.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../setup/stamp.mjs";
import { makeMirror, mirror } from "./mirror.mjs";

await makeMirror();
const ava = join(root, "node_modules", "ava", "entrypoints", "cli.mjs");
const { status } = spawnSync(process.execPath, [ava, ...process.argv.slice(2)], { cwd: mirror, stdio: "inherit" });
process.exitCode = status ?? 1;
