// SPDX-License-Identifier: MIT
// Preloaded by tests in the guest. A failure's report has room for one frame of the stack: it shall be the test's own,
// in the TypeScript it was written in, not one of the test runner's.
import { findSourceMap } from "node:module";
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
  const entry = file
    ? findSourceMap(file)?.findEntry(frame.getLineNumber() - 1, frame.getColumnNumber() - 1)
    : undefined;
  if (!entry?.originalSource) return frame.toString();
  const place = `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  const name = frame.getFunctionName();
  const path = place.startsWith("file:") ? relative(process.cwd(), fileURLToPath(place)) : place;
  return name ? `${name} (${path})` : path;
}
