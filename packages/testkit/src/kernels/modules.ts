// SPDX-License-Identifier: MIT
import { copyFile, mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SkepError } from "@skep/core";
import { exec } from "./exec.js";

/** Needed before the root disk is there; built in in newer kernels, then left out. */
const bootModules = ["virtio_pci", "virtio_blk", "virtio_console"];

/** What tests may need, by path below `kernel/`. A pattern that matches nothing in a kernel is no error. */
const wanted: readonly RegExp[] = [
  /^drivers\/(block|char|virtio)\/virtio/,
  /^drivers\/net\/(dummy|veth|ifb|tun|tap|macvlan|vrf|vxlan\/vxlan|vxlan)\./,
  /^net\/(ipv4|ipv6|bridge)\/netfilter\//,
  /^net\/netfilter\/(?!ipvs\/|ipset\/)/,
  /^net\/(bridge|8021q|tls|sched|unix|packet|psample)\//,
  /^net\/ipv[46]\/(tcp|udp|inet|raw|ip_tunnel|ip_gre|gre|tunnel|ipip|sit|ip6_tunnel|ip6_udp_tunnel)[^/]*\.ko/,
  /^net\/netlink\//,
  /^crypto\/(gcm|ctr|ccm|ghash|gf128mul|seqiv|chacha20poly1305|geniv)/,
  /^fs\/overlayfs\//,
];

/** `modules.dep`: path of a module, below `lib/modules/<release>/`, to the paths of those it needs, nearest first. */
export type ModuleDependencies = ReadonlyMap<string, readonly string[]>;

export function parseModulesDep(text: string): ModuleDependencies {
  const dependencies = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [module, needs = ""] = line.split(":", 2);
    if (module) dependencies.set(module, needs.split(" ").filter(Boolean));
  }
  return dependencies;
}

/** Modules to keep: those that tests may need and everything these depend on. */
export function selectModules(dependencies: ModuleDependencies): string[] {
  const chosen = [...dependencies.keys()].filter((path) => {
    const below = path.replace(/^kernel\//, "");
    return wanted.some((pattern) => pattern.test(below));
  });
  return [...new Set(chosen.flatMap((path) => [path, ...(dependencies.get(path) ?? [])]))].sort();
}

/** Modules to load before the root disk can be mounted, in loading order. */
export function bootOrder(dependencies: ModuleDependencies): string[] {
  const paths = bootModules
    .map((name) => [...dependencies.keys()].find((path) => moduleName(path) === name))
    .filter((path) => path !== undefined);
  // modules.dep lists the nearest dependency first; the kernel wants the farthest first.
  return [...new Set(paths.flatMap((path) => [...(dependencies.get(path) ?? [])].reverse().concat(path)))];
}

/** Name of a module as the kernel lists it. */
export function moduleName(path: string): string {
  return path
    .replace(/^.*\//, "")
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/**
 * Copies the modules that tests may need from an unpacked kernel package into `target/<release>`, decompressed:
 * the guest's first stage cannot decompress. Signatures stay, so that a locked-down kernel takes them.
 * Returns the modules to load at boot, as paths below `target/<release>`.
 */
export async function stageModules(packageRoot: string, release: string, target: string): Promise<string[]> {
  const source = await modulesFolder(packageRoot, release);
  await exec("depmod", ["-b", join(source, "../../.."), release]);
  const chosen = selectModules(parseModulesDep(await readFile(join(source, "modules.dep"), "utf8")));
  const destination = join(target, "lib", "modules", release);
  for (const module of chosen) await copyDecompressed(join(source, module), join(destination, module));
  for (const file of (await readdir(source)).filter((name) => /^modules\.(builtin|order)/.test(name))) {
    await copyFile(join(source, file), join(destination, file));
  }
  await exec("depmod", ["-b", target, release]);
  return bootOrder(parseModulesDep(await readFile(join(destination, "modules.dep"), "utf8")));
}

/** Before usr-merge packages had `lib/modules`, now `usr/lib/modules`. */
async function modulesFolder(packageRoot: string, release: string): Promise<string> {
  for (const prefix of ["lib", "usr/lib"]) {
    const folder = join(packageRoot, prefix, "modules", release);
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return folder;
  }
  throw new SkepError("SKEP_ERR_KERNEL", `the kernel packages hold no modules of ${release}`);
}

async function copyDecompressed(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
  const tool = { xz: "xz", zst: "zstd", gz: "gzip" }[/\.ko\.(\w+)$/.exec(source)?.[1] ?? ""];
  if (tool === undefined) return;
  await exec(tool, ["-d", "-q", "-f", target]);
  await rm(target, { force: true });
}
