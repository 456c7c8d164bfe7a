// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { findProgram, run } from "./host.mjs";
import { filesBelow, packageFolders, root } from "./stamp.mjs";

/** @typedef {import("./stamp.mjs").Step} Step */

/** What `skep` itself is made of. The test tools stay out: a mistake in one must not keep the agent from starting. */
const commandProjects = ["cli", "bpf-toolchain"].map((name) => join(root, "packages", name));

/**
 * Compiles TypeScript: all packages, or those the command needs.
 * @returns {Step}
 */
export function typeScriptStep({ all }) {
  const projects = packageFolders().filter((folder) => existsSync(join(folder, "tsconfig.json")));
  const sources = projects.flatMap((folder) => filesBelow(join(folder, "src"), (file) => file.endsWith(".ts")));
  const configs = [root, ...projects].map((folder) => join(folder, "tsconfig.json"));
  return {
    name: all ? "typescript" : "typescript-command",
    title: "compiling TypeScript",
    inputs: [join(root, "tsconfig.base.json"), ...configs, ...sources],
    outputs: (all ? projects : commandProjects).map((folder) => join(folder, "dist", "index.js")),
    run() {
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      run(process.execPath, [tsc, "-b", ...(all ? [] : commandProjects)], { quiet: true });
    },
  };
}

/**
 * Compiles the BPF C of every package that has some, with `skep-bpf build`.
 * @returns {Step[]}
 */
export function bpfSteps() {
  const toolchain = join(root, "packages", "bpf-toolchain");
  const shared = [
    ...filesBelow(join(toolchain, "include")),
    ...filesBelow(join(toolchain, "src"), (file) => file.endsWith(".ts")),
  ];
  return packageFolders().flatMap((folder) => {
    const sources = filesBelow(join(folder, "bpf"), (file) => /\.[ch]$/.test(file));
    const programs = sources.filter((file) => file.endsWith(".bpf.c"));
    if (programs.length === 0) return [];
    return {
      name: `bpf-${basename(folder)}`,
      title: `compiling BPF of ${relative(root, folder)}`,
      inputs: [...shared, ...sources],
      outputs: programs.flatMap((file) => objectsOf(folder, file)),
      run: () => void run(process.execPath, [bpfCommand(), "build"], { cwd: folder, quiet: true }),
    };
  });
}

/** The program behind `skep-bpf`. */
export function bpfCommand() {
  const toolchain = join(root, "packages", "bpf-toolchain");
  const { bin } = JSON.parse(readFileSync(join(toolchain, "package.json"), "utf8"));
  return join(toolchain, bin["skep-bpf"]);
}

function objectsOf(folder, source) {
  const name = basename(source, ".bpf.c");
  return ["x64", "arm64"].map((arch) => join(folder, "dist", "bpf", `${name}.${arch}.bpf.o`));
}

/**
 * Compiles the tests' traffic generator: C, because its processes must come and go in less than a millisecond.
 * @returns {Step[]}
 */
export function trafficSteps() {
  const source = join(root, "packages", "testkit", "traffic", "traffic.c");
  if (!existsSync(source)) return [];
  const program = join(root, "packages", "testkit", "dist", "traffic");
  return [
    {
      name: "traffic",
      title: "compiling the tests' traffic generator",
      inputs: filesBelow(dirname(source)),
      outputs: [program],
      run() {
        mkdirSync(dirname(program), { recursive: true });
        run(findProgram(["gcc", "cc"]) ?? "cc", ["-O2", "-Wall", "-pthread", "-o", program, source], { quiet: true });
      },
    },
  ];
}
