// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pnpmCommand } from "../../../../scripts/setup/dependencies.mjs";

export const workspaceRoot = join(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** The parts of package.json that are tested. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license: string;
  readonly type: string;
  readonly keywords: readonly string[];
  readonly engines: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly skep?: { readonly entry: string };
}

/** A package of the workspace as it would be published. */
export interface PackedPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly tarball: string;
  /** Paths inside the package. */
  readonly files: readonly string[];
}

/** Packs every publishable package into `destination`. */
export function packAll(destination: string): PackedPackage[] {
  const [pnpm = "pnpm", ...args] = pnpmCommand();
  return readdirSync(join(workspaceRoot, "packages"))
    .map((name) => join(workspaceRoot, "packages", name))
    .filter((folder) => !readManifest(join(folder, "package.json")).private)
    .map((folder) => {
      const packed = execFileSync(pnpm, [...args, "pack", "--json", "--pack-destination", destination], {
        cwd: folder,
        encoding: "utf8",
      });
      const { filename } = JSON.parse(packed.slice(packed.indexOf("{"))) as { filename: string };
      const tar = (...options: string[]) => execFileSync("tar", [...options, filename], { encoding: "utf8" });
      const files = tar("-tzf").split("\n").filter(Boolean);
      const manifest = execFileSync("tar", ["-xzOf", filename, "package/package.json"], { encoding: "utf8" });
      return {
        folder,
        manifest: JSON.parse(manifest) as Manifest,
        tarball: filename,
        files: files.map((file) => file.replace(/^package\//, "")),
      };
    });
}

const readManifest = (file: string): Manifest => JSON.parse(readFileSync(file, "utf8")) as Manifest;
