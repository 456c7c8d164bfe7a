// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./stamp.mjs";
import { Trouble } from "./trouble.mjs";

export const isRoot = () => process.getuid?.() === 0;

/** Oldest Node that can `require` an ES module without a flag; package.json's `engines` has the number. */
export function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const [major, minor] = engines.node.match(/\d+/g).map(Number);
  const [haveMajor, haveMinor] = process.versions.node.split(".").map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  throw new Trouble(
    `Node ${process.versions.node} is too old: Skep needs ${engines.node}`,
    "install a newer Node, for example from nodejs.org or with a version manager",
  );
}

export function checkSystem() {
  if (process.platform !== "linux") throw new Trouble(`Skep observes Linux; this is ${process.platform}`);
  if (process.arch !== "x64" && process.arch !== "arm64") {
    throw new Trouble(`Skep runs on x86-64 and arm64; this is ${process.arch}`);
  }
}

/** True on Debian and what is made from it (Ubuntu, Mint...), where packages can be had from apt. */
export function isDebian() {
  try {
    const release = readFileSync("/etc/os-release", "utf8");
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release) && findProgram(["apt-get"]) !== undefined;
  } catch {
    return false;
  }
}

/** Debian packages that are unpacked here instead of installed. */
export const unpacked = join(root, ".cache", "debian");

/** PATH, where administrators' programs live (a plain user's PATH lacks sbin), and what is unpacked here. */
export const programFolders = () =>
  [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin", join(unpacked, "usr", "bin")].filter(Boolean);

/** First of `names` found in {@link programFolders}. */
export function findProgram(names) {
  const folders = programFolders();
  for (const name of names) {
    for (const folder of folders) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}

/** Where the dynamic linker of Debian, Fedora, Arch or Alpine would look. */
export function findLibrary(soname) {
  const multiarch = process.arch === "x64" ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
  return [`/usr/lib/${multiarch}`, `/lib/${multiarch}`, "/usr/lib64", "/lib64", "/usr/lib", "/lib", "/usr/local/lib"]
    .map((folder) => join(folder, soname))
    .find((file) => existsSync(file));
}

/**
 * Runs a program to its end. Quiet: its output is shown only when it fails.
 * @returns {string} what it wrote to stdout
 */
export function run(command, args, { quiet = false, env = {}, cwd = root, mend } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", process.stderr, process.stderr],
    maxBuffer: 64 << 20,
  });
  if (result.error) throw new Trouble(`cannot run ${command}: ${result.error.message}`, mend);
  if (result.status !== 0) {
    if (quiet) process.stderr.write(`${result.stdout}${result.stderr}`);
    const ending = result.signal ? `was killed by ${result.signal}` : `failed with status ${result.status}`;
    throw new Trouble(`${[command, ...args].join(" ")} ${ending}`, mend);
  }
  return result.stdout ?? "";
}
