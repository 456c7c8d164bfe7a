// SPDX-License-Identifier: MIT
// A step of the set-up runs again when the content of its inputs changed or an output is gone. Content, not times:
// a checkout, a copy or a container layer changes times and nothing else.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const stampFolder = join(root, ".cache", "setup");

/** Every file below `folder` whose path passes `accept`, in a stable order. A folder that is not there has none. */
export function filesBelow(folder, accept = () => true) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(accept)
    .sort();
}

/** Folders of the workspace's own packages. */
export const packageFolders = () =>
  ["packages", "examples"]
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) =>
      readdirSync(join(root, group), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(root, group, entry.name)),
    )
    .filter((folder) => existsSync(join(folder, "package.json")));

function digest(inputs, salt) {
  const hash = createHash("sha256").update(salt);
  for (const file of inputs) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/**
 * @typedef {object} Step
 * @property {string} name file name of the stamp
 * @property {string} title what is said while it runs
 * @property {readonly string[]} inputs files whose content decides
 * @property {readonly string[]} outputs files that must exist afterwards
 * @property {string} [salt] anything else that decides, such as an ABI version
 * @property {() => void} run
 */

/** @param {Step} step */
export function isDone(step) {
  const stamp = join(stampFolder, step.name);
  if (!existsSync(stamp) || !step.outputs.every((file) => existsSync(file))) return false;
  return readFileSync(stamp, "utf8") === digest(step.inputs, step.salt ?? "");
}

/** Runs a step. What is remembered are the inputs as they were *before*: a file edited meanwhile is built again. @param {Step} step */
export function perform(step) {
  const before = digest(step.inputs, step.salt ?? "");
  process.stderr.write(`setup: ${step.title}\n`);
  step.run();
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(join(stampFolder, step.name), before);
}
