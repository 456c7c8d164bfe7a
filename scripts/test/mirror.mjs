// SPDX-License-Identifier: MIT
// The workspace as JavaScript, beside its TypeScript, in .cache/mirror: unit tests run there without the hooks of ts-node, whose
// thread costs each of ava's workers more than the test itself. `npx ava FILE` runs a test where it stands, with them.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolders, root } from "../setup/stamp.mjs";
import { javaScriptOf } from "../ts-node-hooks.mjs";

export const mirror = join(root, ".cache", "mirror");
/** Rooms of a package that hold TypeScript. */
const rooms = ["src", "test"];

/** Makes the mirror anew: a file that is gone must not be tested. Returns how many files were transpiled. */
export async function makeMirror() {
  rmSync(mirror, { recursive: true, force: true });
  mkdirSync(mirror, { recursive: true });
  const groups = new Set(packageFolders().map((folder) => basename(dirname(folder))));
  link(root, mirror, (name) => !groups.has(name) && ![".git", ".cache", "ava.config.mjs"].includes(name));
  copyFileSync(join(root, "scripts", "test", "mirror.config.mjs"), join(mirror, "ava.config.mjs"));
  let files = 0;
  for (const folder of packageFolders()) files += await mirrorPackage(folder, join(mirror, relative(root, folder)));
  return files;
}

async function mirrorPackage(from, to) {
  mkdirSync(to, { recursive: true });
  link(from, to, (name) => ![...rooms, "package.json", "node_modules"].includes(name));
  writeFileSync(join(to, "package.json"), manifest(readFileSync(join(from, "package.json"), "utf8")));
  mirrorModules(join(from, "node_modules"), join(to, "node_modules"));
  let files = 0;
  for (const room of rooms) files += await mirrorSources(join(from, room), join(to, room));
  return files;
}

/** What resolves to a source in development resolves to what was made of it. */
const manifest = (json) => json.replaceAll(/("skep-source":\s*"[^"]*)\.ts"/g, '$1.js"');

/** Links between packages of the workspace lead into the mirror, all others where they led. */
function mirrorModules(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of entries(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory() && entry.name.startsWith("@")) mirrorModules(source, target);
    else if (!entry.isSymbolicLink()) symlinkSync(source, target);
    else {
      const place = relative(root, resolve(from, readlinkSync(source)));
      const isOurs = /^(packages|examples)\//.test(place);
      symlinkSync(join(isOurs ? mirror : root, place), target);
    }
  }
}

async function mirrorSources(from, to) {
  let files = 0;
  mkdirSync(to, { recursive: true });
  for (const entry of entries(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      files += await mirrorSources(source, target);
      continue;
    }
    symlinkSync(source, target);
    if (!/(?<!\.d)\.ts$/.test(entry.name)) continue;
    writeFileSync(target.replace(/\.ts$/, ".js"), await javaScriptOf(source));
    files++;
  }
  return files;
}

function link(from, to, accept) {
  for (const { name } of entries(from)) if (accept(name)) symlinkSync(join(from, name), join(to, name));
}

function entries(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${await makeMirror()} TypeScript files`);
}
