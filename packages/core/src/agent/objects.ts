// SPDX-License-Identifier: MIT

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import type { Plugin } from "../plugin.js";

/**
 * Reads the plugin's BPF objects for an architecture.
 * @throws SkepError `SKEP_ERR_OBJECT` when there is none for it, or its file cannot be read.
 */
export async function readObjects(plugin: Plugin, arch: "x64" | "arm64"): Promise<Record<string, Uint8Array>> {
  const objects: Record<string, Uint8Array> = {};
  for (const [name, files] of Object.entries(plugin.objects)) {
    const file = files[arch];
    if (file === undefined) {
      throw new SkepError("SKEP_ERR_OBJECT", `plugin ${plugin.name} has no BPF object ${name} for ${arch}`, {
        plugin: plugin.name,
        phase: "load",
        hint: `it has one for ${Object.keys(files).join(" and ") || "no architecture"}`,
      });
    }
    try {
      objects[name] = await readFile(file);
    } catch (cause) {
      throw new SkepError(
        "SKEP_ERR_OBJECT",
        `plugin ${plugin.name}: BPF object ${name} cannot be read: ${messageOf(cause)}`,
        {
          plugin: plugin.name,
          phase: "load",
          hint: `objects are built, not committed: is ${fileURLToPath(file)} part of the installed package? In a working tree run \`skep-bpf build\``,
          cause,
        },
      );
    }
  }
  return objects;
}
