// SPDX-License-Identifier: MIT
// Fills the cache of scripts/ts-node-hooks.mjs in one process. Without it every test file of a fresh clone loads the compiler by
// itself, for its own source at least.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow, packageFolders } from "../setup/stamp.mjs";
import { load } from "../ts-node-hooks.mjs";

const sources = packageFolders()
  .flatMap((folder) => ["src", "test"].map((room) => join(folder, room)))
  .flatMap((folder) => filesBelow(folder))
  .filter((file) => /(?<!\.d)\.ts$/.test(file));
for (const file of sources) await load(pathToFileURL(file).href);
console.log(`${sources.length} TypeScript files`);
