// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { onDemand } from "../internal/on-demand.js";
import { toPlain } from "./plain.js";
import { lineKey, type ParsedFile } from "./parsed-file.js";

/** @throws SkepError `SKEP_ERR_CONFIG_SYNTAX` with file, line and column. */
export function parseYaml(text: string, file: string): ParsedFile {
  const { isScalar, LineCounter, parseDocument, visit } = onDemand.yaml();
  const lineCounter = new LineCounter();
  // Without intAsBigInt integers above 2^53 would be rounded without a word.
  const document = parseDocument(text, { intAsBigInt: true, lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new SkepError("SKEP_ERR_CONFIG_SYNTAX", `${file}:${line}:${col}: ${error.message}`, {
      hint: "YAML goes by indentation, with spaces only; TOML files end in .conf or .toml",
      cause: error,
    });
  }
  const lines = new Map<string, number>();
  visit(document, {
    Pair(_, pair, ancestors) {
      const keys = [...ancestors, pair].flatMap((node) =>
        typeof node === "object" && "key" in node && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      const start = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      if (start !== undefined && !lines.has(lineKey(keys))) lines.set(lineKey(keys), lineCounter.linePos(start).line);
    },
  });
  return { tree: toPlain(document.toJS()), lines };
}
