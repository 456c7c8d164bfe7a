// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import type { ConfigNotice, ConfigSources } from "./config.js";
import { lineKey, type ParsedFile } from "./parsed-file.js";
import { isTable } from "./plain.js";
import type { Setting } from "./setting.js";
import { parseToml } from "./toml.js";
import { parseYaml } from "./yaml.js";

/**
 * The keys of the configuration file: those of the input's first table (`[[inputs.ebpf]]`), or, in a file without `inputs`, those at the top.
 * @throws SkepError `SKEP_ERR_CONFIG` when it cannot be read, `SKEP_ERR_CONFIG_SYNTAX` when it does not parse.
 */
export async function fileSettings(
  sources: Pick<ConfigSources, "file" | "text" | "input">,
): Promise<{ settings: Setting[]; notices: ConfigNotice[] }> {
  if (sources.file === undefined && sources.text === undefined) return { settings: [], notices: [] };
  const file = sources.file ?? "configuration";
  const text = sources.text ?? (await read(file));
  const parsed = /\.ya?ml$/i.test(file) ? parseYaml(text, file) : parseToml(text, file);
  return settingsOf(parsed, file, sources.input ?? "ebpf");
}

function settingsOf(
  { tree, lines }: ParsedFile,
  file: string,
  input: string,
): { settings: Setting[]; notices: ConfigNotice[] } {
  if (tree === null || tree === undefined) return { settings: [], notices: [] };
  if (!isTable(tree)) throw new SkepError("SKEP_ERR_CONFIG", `${file}: it holds no keys and values`);

  const where = (path: readonly string[]) => {
    const line = lines.get(lineKey(path));
    return line === undefined ? file : `${file}:${line}`;
  };
  const settingsIn = (table: Readonly<Record<string, unknown>>, path: readonly string[]): Setting[] =>
    Object.entries(table)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => ({ key, value, isText: false, where: where([...path, key]), source: "file" }));

  const { inputs, ...top } = tree;
  if (!isTable(inputs)) return { settings: settingsIn(tree, []), notices: [] };

  const { [input]: own = {}, ...others } = inputs;
  const sections = Array.isArray(own) ? own : [own];
  const [section = {}] = sections as unknown[];
  const path = ["inputs", input];
  const name = path.join(".");
  if (!isTable(section)) throw new SkepError("SKEP_ERR_CONFIG", `${where(path)}: ${name} is no table`);
  const notices: ConfigNotice[] = Object.keys(others).map((other) => ({
    key: `inputs.${other}`,
    where: where(["inputs", other]),
    message: `inputs.${other} is no concern of Skep and is ignored`,
  }));
  if (sections.length > 1) {
    const message = `only the first of ${sections.length} ${name} sections is used`;
    notices.push({ key: name, where: where(path), message });
  }
  return { settings: [...settingsIn(section, path), ...settingsIn(top, [])], notices };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new SkepError("SKEP_ERR_CONFIG", `configuration file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
