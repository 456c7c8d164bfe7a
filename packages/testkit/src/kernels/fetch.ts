// SPDX-License-Identifier: MIT
import { existsSync } from "node:fs";
import { copyFile, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SkepError } from "@skep/core";
import { PrivateApt, archiveAddress } from "./apt.js";
import { extractVmlinux } from "./bzimage.js";
import { cacheFolder, once } from "./cache.js";
import { type KernelSeries, compareVersions, isOfSeries } from "./catalog.js";
import { type Stanza, dependencyNames } from "./deb822.js";
import { makeImage } from "./image.js";
import { stageModules } from "./modules.js";

const metaPackage = "linux-image-cloud-amd64";

/** Raised when what is kept of a kernel changes, so that one kept in the old way is made again. */
const recipe = 1;

/** What is known of a kernel in the cache; also its `kernel.json`. */
export interface KernelFacts {
  readonly recipe: number;
  readonly label: string;
  /** Debian package version. */
  readonly version: string;
  /** What `uname -r` says in the guest. */
  readonly release: string;
  readonly suite: string;
  /** Modules to load before the root disk is there, in order, below `modules/lib/modules/<release>`. */
  readonly bootModules: readonly string[];
}

/** A kernel that can be booted. */
export interface Kernel extends KernelFacts {
  readonly folder: string;
  readonly vmlinux: string;
  readonly modulesImage: string;
}

/** The newest cached kernel of a series, or undefined. Touches no network. */
export async function cachedKernel(label: string): Promise<Kernel | undefined> {
  const folder = join(cacheFolder(), "kernels");
  const names = (await readdir(folder).catch(() => [])).filter((name) => existsSync(join(folder, name, "kernel.json")));
  const kernels = await Promise.all(names.map((name) => readKernel(join(folder, name))));
  return kernels
    .filter((kernel) => kernel.label === label && kernel.recipe === recipe)
    .sort((a, b) => compareVersions(b.version, a.version))[0];
}

/**
 * Downloads the newest kernel of a series unless the cache has that very version.
 * Throws `SKEP_ERR_KERNEL` when no suite that should carry it can be reached or has it.
 */
export async function fetchKernel(series: KernelSeries): Promise<Kernel> {
  const archive = await archiveAddress();
  const refusals: string[] = [];
  for (const suite of series.suites) {
    const apt = PrivateApt.ofSuites(join(cacheFolder(), "apt", suite), archive, [suite]);
    try {
      await apt.update();
    } catch (cause) {
      refusals.push(`${suite}: ${inShort(cause)}`);
      continue;
    }
    const offered = await apt.show(metaPackage);
    const meta =
      offered.find((stanza) => isOfSeries(stanza.get("version") ?? "", series.label)) ??
      (series.rolling ? offered[0] : undefined);
    if (meta !== undefined) return await download(apt, series.label, suite, meta);
    const versions = offered.map((stanza) => stanza.get("version"));
    refusals.push(`${suite}: has ${versions.join(", ") || "no such package"}`);
  }
  throw new SkepError("SKEP_ERR_KERNEL", `kernel ${series.label} is not available: ${refusals.join("; ")}`, {
    hint: "a suite that has left the mirror is in Debian's archive: set SKEP_DEBIAN_ARCHIVE to a mirror that carries it",
  });
}

/** The first line of what apt said, without the mirror's name: results are shown to others. */
function inShort(cause: unknown): string {
  const [line = ""] = (cause as Error).message.split("\n");
  return line.replaceAll(/\w+:\/\/[^/\s]+/g, "<mirror>");
}

async function download(apt: PrivateApt, label: string, suite: string, meta: Stanza): Promise<Kernel> {
  const version = meta.get("version") ?? "";
  const folder = join(cacheFolder(), "kernels", version);
  if (existsSync(folder) && (await readKernel(folder)).recipe !== recipe) await rm(folder, { recursive: true });
  await once(folder, async (empty) => {
    const unpacked = join(empty, "unpacked");
    await apt.unpack(await kernelPackages((name) => apt.show(name), meta), unpacked, join(empty, "debs"));
    const facts = await stageKernel(unpacked, empty, { label, version, suite });
    await rm(unpacked, { recursive: true });
    await rm(join(empty, "debs"), { recursive: true });
    await writeFile(join(empty, "kernel.json"), `${JSON.stringify(facts, undefined, 2)}\n`);
  });
  return readKernel(folder);
}

/**
 * Packages that hold the kernel itself, as `name=version`. Up to 6.x it is one; then `linux-image-*` became empty
 * and the kernel is in `linux-binary-*`, its modules in `linux-modules-*`.
 */
export async function kernelPackages(show: (name: string) => Promise<Stanza[]>, meta: Stanza): Promise<string[]> {
  const version = meta.get("version");
  const found = new Set<string>();
  const open = [meta];
  for (let stanza = open.pop(); stanza !== undefined; stanza = open.pop()) {
    const names = dependencyNames(stanza.get("depends")).filter((name) =>
      /^linux-(image|binary|modules|base)-\d/.test(name),
    );
    for (const name of names.filter((candidate) => !found.has(candidate))) {
      found.add(name);
      const next = (await show(name)).find((candidate) => candidate.get("version") === version);
      if (next !== undefined) open.push(next);
    }
  }
  return [...found].map((name) => `${name}=${version}`);
}

async function stageKernel(
  unpacked: string,
  target: string,
  known: Pick<KernelFacts, "label" | "version" | "suite">,
): Promise<KernelFacts> {
  const { release, image, config } = await findKernelFiles(unpacked);
  await writeFile(join(target, "vmlinux"), await extractVmlinux(await readFile(image)));
  await copyFile(config, join(target, "config"));
  const bootModules = await stageModules(unpacked, release, join(target, "modules"));
  await makeImage(join(target, "modules", "lib", "modules"), join(target, "modules.ext4"), 1);
  return { recipe, ...known, release, bootModules };
}

async function findKernelFiles(unpacked: string) {
  const boot = join(unpacked, "boot");
  const bootName = (await readdir(boot).catch(() => [])).find((name) => name.startsWith("vmlinuz-"));
  if (bootName !== undefined) {
    const release = bootName.replace("vmlinuz-", "");
    return { release, image: join(boot, bootName), config: join(boot, `config-${release}`) };
  }
  const modules = join(unpacked, "usr/lib/modules");
  for (const release of await readdir(modules).catch(() => [])) {
    const image = join(modules, release, "vmlinuz");
    if (existsSync(image)) return { release, image, config: join(modules, release, "config") };
  }
  throw new SkepError("SKEP_ERR_KERNEL", "the kernel packages hold no vmlinuz where it used to be");
}

async function readKernel(folder: string): Promise<Kernel> {
  const facts = JSON.parse(await readFile(join(folder, "kernel.json"), "utf8")) as KernelFacts;
  return { ...facts, folder, vmlinux: join(folder, "vmlinux"), modulesImage: join(folder, "modules.ext4") };
}
