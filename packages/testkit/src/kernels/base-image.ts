// SPDX-License-Identifier: MIT
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SkepError } from "@skep/core";
import { cacheFolder, keepNewest, once } from "./cache.js";
import { exec, findProgram, fingerprint } from "./exec.js";
import { makeImage } from "./image.js";
import { copyModules, runtimeModules } from "./node-modules.js";
import { packageOf } from "./requirements.js";

/** Without these no test starts. */
const mandatory = ["bash", "busybox"];

/** Copied when the machine has them; a test that needs one skips where it is missing. */
const optional = [
  ...["ip", "tc", "ss", "bridge", "ethtool", "nft", "conntrack", "iptables", "ip6tables", "iptables-save"],
  ...["iptables-legacy", "ip6tables-legacy", "iptables-nft", "xtables-nft-multi", "xtables-legacy-multi"],
  ...["bpftool", "curl", "openssl", "modprobe", "sysctl", "unshare", "nsenter", "setpriv", "ping", "dnsmasq", "nginx"],
  "zsh",
];

/** Loaded by name at run time, so that `ldd` does not see them. */
const libraries = ["libbpf.so.1", "libelf.so.1", "libz.so.1", "libzstd.so.1", "libssl.so.3", "libcrypto.so.3"];
const libraryFolders = ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];

/**
 * Whole folders: extensions of iptables and modules of zsh, loaded by path; terminals, without which zsh edits no line, and the
 * locale, without which it knows no UTF-8.
 */
const folders = [
  "/usr/lib/x86_64-linux-gnu/xtables",
  "/usr/lib/x86_64-linux-gnu/zsh",
  "/usr/lib/terminfo",
  "/usr/lib/locale/C.utf8",
];

/** Preloaded by tests in the guest, where it lies at the workspace's root. */
const stackTrace = fileURLToPath(new URL("../../kernels/stack-trace.mjs", import.meta.url));

/** Each change of the lock file or of a tool makes another image, of about 170 MB. */
const keptImages = 3;

/** Where the workspace is in the guest. */
export const guestWorkspace = "/skep";

const avaConfig = {
  files: ["packages/*/test/**/*.test.js"],
  // For the test's process only: what it spawns starts as it would anywhere.
  nodeArguments: [`--import=${guestWorkspace}/${basename(stackTrace)}`],
};

/** Where the workspace's own commands are, below `packages`; the guest has a link `bin` to it at the workspace's root. */
export const commandFolder = ".bin";

/**
 * The guest's root file system: this machine's Node and network tools, with their libraries, and the workspace's
 * `node_modules`. Made once for every combination of these. Returns the image's path.
 */
export async function makeBaseImage(workspace: string): Promise<string> {
  const programs = [process.execPath, ...mandatory.map(requiredProgram), ...optional.map(findProgram).filter(isFound)];
  const found = libraries.flatMap((name) =>
    libraryFolders
      .map((folder) => join(folder, name))
      .filter(existsSync)
      .slice(0, 1),
  );
  const libraryFiles = await neededLibraries([...programs, ...found]);
  const modules = await runtimeModules(workspace);
  const stamps = await Promise.all([...programs, ...libraryFiles].map(stampOf));
  const code = await Promise.all([fileURLToPath(import.meta.url), stackTrace].map((file) => readFile(file, "utf8")));
  const key = fingerprint(...code, ...stamps, ...modules);
  const folder = await once(join(cacheFolder(), "base", key), async (empty) => {
    const root = join(empty, "root");
    await makeSkeleton(root);
    for (const program of programs) await stageProgram(root, program);
    for (const library of [...found, ...libraryFiles]) await stageFile(root, library);
    for (const extra of folders.filter(existsSync)) await cp(extra, join(root, extra), { recursive: true });
    await copyModules(workspace, modules, join(root, guestWorkspace));
    await copyFile(stackTrace, join(root, guestWorkspace, basename(stackTrace)));
    await exec("ldconfig", ["-r", root]);
    await makeImage(root, join(empty, "base.ext4"), 64);
    await rm(root, { recursive: true });
  });
  await keepNewest(dirname(folder), keptImages);
  return join(folder, "base.ext4");
}

function requiredProgram(name: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  const hint = `apt-get install ${packageOf[name] ?? name}`;
  throw new SkepError("SKEP_ERR_TOOL", `${name} is not installed; the guest needs it`, { hint });
}

function isFound(path: string | undefined): path is string {
  return path !== undefined;
}

/** Libraries the dynamic linker would load for these files, as paths on this machine. */
async function neededLibraries(files: readonly string[]): Promise<string[]> {
  const listings = await Promise.all(files.map((file) => exec("ldd", [file]).catch(() => "")));
  return [...new Set(listings.flatMap(parseLdd))].sort();
}

/** Paths in what `ldd` prints. */
export function parseLdd(text: string): string[] {
  return text
    .split("\n")
    .map((line) => /(?:=>\s+)?(\/\S+)\s+\(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined);
}

async function stampOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${file} ${size} ${mtimeMs}`;
}

async function makeSkeleton(root: string): Promise<void> {
  const names = [
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "dev",
    "proc",
    "sys",
    "tmp",
    "run",
    "root",
    "etc",
    "var",
  ];
  for (const name of [...names, join(guestWorkspace, "packages"), "usr/lib/modules"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  for (const name of ["bin", "sbin", "lib", "lib64"]) await symlink(`usr/${name}`, join(root, name));
  await symlink("/run", join(root, "var/run"));
  await symlink(join("packages", commandFolder), join(root, guestWorkspace, "bin"));
  const files = {
    [join(guestWorkspace, "package.json")]: '{ "type": "module", "private": true }\n',
    [join(guestWorkspace, "ava.config.mjs")]: `export default ${JSON.stringify(avaConfig)};
`,
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    // `ip netns exec` lays a namespace's own over it.
    "etc/resolv.conf": "",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/protocols": "icmp 1\ntcp 6\nudp 17\n",
    "etc/ld.so.conf": "/usr/local/lib\n/usr/lib/x86_64-linux-gnu\n/usr/lib64\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
}

async function stageProgram(root: string, program: string): Promise<void> {
  const name = basename(program);
  await stageFile(root, program === process.execPath ? await realpath(program) : program, guestBin(name));
  if (name !== "busybox") return;
  // Every tool that was not copied from the machine is busybox's.
  const applets = (await exec(program, ["--list"])).split("\n").filter(Boolean);
  for (const applet of applets.filter((candidate) => !optional.includes(candidate) && !mandatory.includes(candidate))) {
    await symlink("/usr/bin/busybox", join(root, "usr/bin", applet)).catch(() => {});
  }
}

/** Where a program goes: modprobe's path is known to the kernel. */
function guestBin(name: string): string {
  return name === "modprobe" ? "/usr/sbin/modprobe" : `/usr/bin/${name}`;
}

/** Copies a file, followed through links, to the same path below `root`, with `/lib` meaning `/usr/lib`. */
async function stageFile(root: string, file: string, as = file): Promise<void> {
  const target = join(root, as.replace(/^\/(bin|sbin|lib|lib64)\//, "/usr/$1/"));
  await mkdir(dirname(target), { recursive: true });
  await copyFile(file, target);
}
