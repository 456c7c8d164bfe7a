// SPDX-License-Identifier: MIT
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, once } from "./cache.js";
import { exec, fingerprint } from "./exec.js";
import type { Kernel } from "./fetch.js";

const initSource = fileURLToPath(new URL("../../kernels/init.c", import.meta.url));

/** The guest's first stage for one kernel: `init` and the modules that the root disk needs. Returns the archive's path. */
export async function makeInitramfs(kernel: Kernel): Promise<string> {
  const source = await readFile(initSource);
  const folder = join(cacheFolder(), "initramfs", fingerprint(kernel.version, source));
  await once(folder, async (empty) => {
    const root = join(empty, "root");
    // The kernel mounts nothing by itself: init finds these folders empty.
    for (const name of ["dev", "proc", "sys", "root", "modules"]) await mkdir(join(root, name), { recursive: true });
    const compile = ["-static", "-O2", "-Wall", "-s", "-o", join(root, "init"), initSource];
    await exec("gcc", compile);
    const modules = join(kernel.folder, "modules", "lib", "modules", kernel.release);
    for (const module of kernel.bootModules) {
      await copyFile(join(modules, module), join(root, "modules", basename(module)));
    }
    const list = kernel.bootModules.map((module) => `/modules/${basename(module)}\n`);
    await writeFile(join(root, "modules.list"), list.join(""));
    await exec("sh", ["-c", "find . | cpio --quiet -o -H newc > ../initramfs.cpio"], { cwd: root });
  });
  return join(folder, "initramfs.cpio");
}
