// SPDX-License-Identifier: MIT
// Preloaded by tests in the guest. A failure's report has room for one frame of the stack: it shall be the test's own,
// in the TypeScript it was written in, not one of the test runner's.
// Maps are read only then: with --enable-source-maps Node parses that of every module it loads, which takes an emulated
// processor as long as all the rest of a test file's start.
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const runner = /^node:|\/node_modules\/(\.pnpm\/)?(ava|concordance)[@/]/;

Error.prepareStackTrace = (error, frames) => {
  const own = frames.filter((frame) => !runner.test(frame.getFileName() ?? "node:"));
  const lines = (own.length > 0 ? own : frames).map((frame) => `    at ${describe(frame)}`);
  return [headOf(error), ...lines].join("\n");
};

// The first line of a stack is all of it that reports show as the error's name; a message's further lines are in the message.
function headOf(error) {
  try {
    return String(error).split("\n", 1)[0];
  } catch {
    return "Error";
  }
}

function describe(frame) {
  const file = frame.getFileName();
  const entry = file ? mapOf(file)?.findEntry(frame.getLineNumber() - 1, frame.getColumnNumber() - 1) : undefined;
  if (!entry?.originalSource) return frame.toString();
  const source = new URL(entry.originalSource, file);
  const path = `${relative(process.cwd(), fileURLToPath(source))}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  const name = frame.getFunctionName();
  return name ? `${name} (${path})` : path;
}

const maps = new Map();

/** The map at a transpiled module's end. */
function mapOf(file) {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file) {
  if (!file.startsWith("file:")) return undefined;
  const text = readFileSync(fileURLToPath(file), "utf8");
  const found = /\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(text);
  return found ? new SourceMap(JSON.parse(Buffer.from(found[1], "base64").toString("utf8"))) : undefined;
}
