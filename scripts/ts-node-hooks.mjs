// SPDX-License-Identifier: MIT
// Module hooks: ts-node, transpile-only, with a cache. Each of ava's workers is a program of its own; without the cache every one
// of them would load the compiler and transpile all that its tests import, which is most of the time a unit test takes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, ".cache", "transpiled");
const read = (...path) => readFileSync(join(root, ...path), "utf8");
/** Whatever else decides about the output: compiler and its options. */
const compiler = ["typescript", "ts-node"].map((name) => read("node_modules", name, "package.json"));
const salt = createHash("sha256")
  .update(compiler.join())
  .update(read("tsconfig.json"))
  .update(read("tsconfig.base.json"))
  .digest();

/** Sources say `./x.js`, as the compiled output will: beside a source, that is `./x.ts`. */
export async function resolve(specifier, context, nextResolve) {
  if (specifier.startsWith(".") && specifier.endsWith(".js") && context.parentURL?.endsWith(".ts")) {
    try {
      return await nextResolve(specifier.replace(/\.js$/, ".ts"), context);
    } catch {
      // a .js file after all
    }
  }
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  if (!/^file:.*(?<!\.d)\.ts$/.test(url)) return nextLoad(url, context);
  return { format: "module", source: await javaScriptOf(fileURLToPath(url)), shortCircuit: true };
}

/** What becomes of a TypeScript file, from the cache if it was made before. */
export async function javaScriptOf(file) {
  const source = readFileSync(file, "utf8");
  const cached = join(folder, createHash("sha256").update(salt).update(file).update("\0").update(source).digest("hex"));
  try {
    return readFileSync(cached, "utf8");
  } catch {
    const output = (await service()).compile(source, file);
    keep(cached, output);
    return output;
  }
}

let created;
const service = () =>
  (created ??= import("ts-node").then(({ default: tsNode }) => tsNode.create({ cwd: root, transpileOnly: true })));

/** Renamed into place, because another worker may be reading or writing the same file. Without the right to write, no cache. */
function keep(file, output) {
  const temporary = `${file}.${process.pid}.${threadId}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, output);
    renameSync(temporary, file);
  } catch {
    // slower next time, that is all
  }
}
