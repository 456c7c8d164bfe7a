// SPDX-License-Identifier: MIT

import { readFileSync } from "node:fs";
import { type Btf, type Plugin, readElfSymbols, readObjectBtf } from "@skep/core";
import { type MapDefinition, mapDefinitions } from "@skep/backend-replay";

/** One compiled object of a plugin and what is in it. */
export interface PluginObject {
  readonly name: string;
  readonly arch: "x64" | "arm64";
  readonly bytes: Uint8Array;
  readonly btf: Btf;
  /** Program (C function) -> its ELF section. */
  readonly programs: ReadonlyMap<string, string>;
  readonly maps: readonly MapDefinition[];
}

/** Reads a plugin's objects of all architectures. Throws where one is missing: they are built, not committed. */
export function readPluginObjects(plugin: Plugin): readonly PluginObject[] {
  return Object.entries(plugin.objects).flatMap(([name, files]) =>
    (["x64", "arm64"] as const).flatMap((arch) => {
      const file = files[arch];
      if (file === undefined) return [];
      const bytes = readFileSync(file);
      const programs = readElfSymbols(bytes)
        .filter(({ section, size }) => size > 0 && isProgramSection(section))
        .map(({ name, section }) => [name, section] as const);
      return { name, arch, bytes, btf: readObjectBtf(bytes), programs: new Map(programs), maps: mapDefinitions(bytes) };
    }),
  );
}

/** Programs lie in sections named after where they attach; data, maps and the licence do not. */
const isProgramSection = (section: string): boolean =>
  !section.startsWith(".") && section !== "license" && section !== "version" && section !== "";
