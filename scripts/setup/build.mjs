// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { findProgram, run } from "./host.mjs";
import { filesBelow, packageFolders, root } from "./stamp.mjs";

/** @typedef {import("./stamp.mjs").Step} Step */

const toolchain = join(root, "packages", "bpf-toolchain");

/** A project and all it refers to. */
function withReferences(folder, seen = new Set()) {
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const { references = [] } = JSON.parse(readFileSync(join(folder, "tsconfig.json"), "utf8"));
  for (const { path } of references) withReferences(join(folder, path), seen);
  return seen;
}

/**
 * Compiles the TypeScript of `folder` and of what it refers to.
 * @returns {Step}
 */
function typeScriptStep(name, title, folder) {
  const projects = [...withReferences(folder)].sort();
  const sources = projects.flatMap((project) => filesBelow(join(project, "src"), (file) => file.endsWith(".ts")));
  const configs = projects.map((project) => join(project, "tsconfig.json"));
  return {
    name: `typescript-${name}`,
    title,
    inputs: [join(root, "tsconfig.base.json"), ...configs, ...sources],
    outputs: projects.filter((project) => project !== root).map((project) => join(project, "dist", "index.js")),
    run() {
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      run(process.execPath, [tsc, "-b", folder], { quiet: true });
    },
  };
}

/** `skep-bpf` comes first: it writes sources (codecs) that the others contain. */
export const toolchainStep = () => typeScriptStep("toolchain", "compiling the BPF toolchain", toolchain);

/** What `skep` is made of. The test tools stay out: a mistake in one must not keep the agent from starting. */
export const commandStep = () => typeScriptStep("command", "compiling the skep command", join(root, "packages", "cli"));

export const workspaceStep = () => typeScriptStep("workspace", "compiling all packages", root);

/**
 * Compiles the BPF C of every package that has some, with `skep-bpf build`.
 * @returns {Step[]}
 */
export function bpfSteps() {
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
        run(findProgram(["gcc", "cc"]) ?? "cc", ["-O2", "-Wall", "-static", "-pthread", "-o", program, source], {
          quiet: true,
        });
      },
    },
  ];
}
