// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { onDemand } from "../internal/on-demand.js";
import { toPlain } from "./plain.js";
import { lineKey, type ParsedFile } from "./parsed-file.js";

/** What @iarna/toml throws. Its line counts from 0. */
interface TomlError extends Error {
  readonly line: number;
  readonly col: number;
}

/** @throws SkepError `SKEP_ERR_CONFIG_SYNTAX` with file, line and column. */
export function parseToml(text: string, file: string): ParsedFile {
  try {
    return { tree: toPlain(onDemand.toml().parse(text)), lines: linesOf(text) };
  } catch (thrown) {
    const { message, line, col } = thrown as TomlError;
    const at = Number.isInteger(line) ? `${file}:${line + 1}:${col + 1}` : file;
    const what = message.split(/ at row \d+, col /)[0]!;
    const hint = hintFor(text.split("\n")[line] ?? "", what);
    throw new SkepError("SKEP_ERR_CONFIG_SYNTAX", `${at}: ${what}`, { hint, cause: thrown });
  }
}

function hintFor(line: string, what: string): string {
  if (/redefine/.test(what)) return "the key or table stands twice: keep one of them";
  if (/[Uu]nterminated/.test(what)) return "a closing quote is missing";
  if (/close bracket/.test(what)) return "a comma or the closing ] of a list is missing here or above";
  const bare = /^\s*([\w-]+)\s*=\s*([^"'[{\s#][^#]*?)\s*(#.*)?$/.exec(line);
  if (bare !== null) return `text stands in quotes: ${bare[1]} = "${bare[2]}"`;
  if (/^\s*[\w-]+\s*=\s*(#.*)?$/.test(line)) return "a value is missing behind the =";
  if (/^\s*[\w-]+\s*:/.test(line)) return "TOML writes key = value; YAML files end in .yaml or .yml";
  return "see https://toml.io for the syntax";
}

/**
 * Where keys are written. The parser does not tell, so this looks for table headers and `key =` at the beginnings of lines: good
 * enough for a message.
 */
function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let table: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?([^\]]+)\]\]?/.exec(line);
    const key = /^\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=/.exec(line);
    if (header !== null) table = splitKey(header[1]!);
    const path = header !== null ? table : key !== null ? [...table, ...splitKey(key[1]!)] : undefined;
    if (path === undefined) continue;
    const name = lineKey(path);
    if (!lines.has(name)) lines.set(name, index + 1);
  }
  return lines;
}

const splitKey = (key: string): string[] =>
  [...key.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
