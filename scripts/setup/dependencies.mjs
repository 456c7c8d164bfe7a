// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, run } from "./host.mjs";
import { packageFolders, root } from "./stamp.mjs";
import { Trouble } from "./trouble.mjs";

/** The version package.json pins, without corepack: Debian's Node has none and Node 25 dropped it. */
export const pnpmVersion = () =>
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager.replace(/^pnpm@/, "");

/** How to call that pnpm: the installed one when it is the same, else npm fetches it into its cache. */
export function pnpmCommand() {
  const version = pnpmVersion();
  const installed = spawnSync("pnpm", ["--version"], { cwd: root, encoding: "utf8" });
  if (installed.status === 0 && installed.stdout.trim() === version) return ["pnpm"];
  const npx = findProgram(["npx"]);
  if (npx === undefined) throw new Trouble("npm is missing (its npx fetches pnpm)", "install npm, then try again");
  return [npx, "--yes", `pnpm@${version}`];
}

/** @returns {import("./stamp.mjs").Step} */
export function dependenciesStep() {
  const manifests = [root, ...packageFolders()].map((folder) => join(folder, "package.json"));
  return {
    name: "dependencies",
    title: `installing npm dependencies with pnpm ${pnpmVersion()}`,
    inputs: [join(root, "pnpm-lock.yaml"), join(root, "pnpm-workspace.yaml"), ...manifests],
    outputs: [join(root, "node_modules", ".modules.yaml"), join(root, "node_modules", "typescript")],
    salt: process.versions.modules,
    run() {
      const [command, ...args] = pnpmCommand();
      run(command, [...args, "install", "--frozen-lockfile", "--reporter=append-only"], {
        env: { CI: "1" }, // never a question
        quiet: true,
        mend: "the lines above say why; without network access the packages must be in pnpm's store",
      });
    },
  };
}
