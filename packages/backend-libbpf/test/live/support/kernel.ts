// SPDX-License-Identifier: MIT

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "@skep/testkit";

interface Listed {
  readonly id: number;
  readonly name?: string;
  readonly prog_id?: number;
  readonly pids?: readonly { readonly pid: number }[];
}

/** bpftool gives up when something goes away while it lists, which other tests see to: then it is asked again. */
function list(kind: "prog" | "map" | "link", tries = 20): readonly Listed[] {
  try {
    return JSON.parse(execFileSync("bpftool", ["-j", kind, "show"], { encoding: "utf8" })) as readonly Listed[];
  } catch (error) {
    if (tries === 0) throw error;
    return list(kind, tries - 1);
  }
}

/** Programs, maps and links in the kernel that were made with one of these names (the kernel cuts them at 15). */
export function inKernel(names: readonly string[]): { programs: number; maps: number; links: number } {
  const cut = new Set(names.map((name) => name.slice(0, 15)));
  const programs = list("prog").filter(({ name }) => cut.has(name ?? ""));
  const ids = new Set(programs.map(({ id }) => id));
  return {
    programs: programs.length,
    maps: list("map").filter(({ name }) => cut.has(name ?? "")).length,
    links: list("link").filter(({ prog_id }) => ids.has(prog_id ?? -1)).length,
  };
}

export const nothing = { programs: 0, maps: 0, links: 0 } as const;

/** The kernel frees programs and maps a grace period after their last descriptor. */
export const nothingLeft = (names: readonly string[]): Promise<boolean> =>
  until(() => Object.values(inKernel(names)).every((count) => count === 0), {
    what: `none of ${names.join(", ")} is in the kernel`,
    deadlineMs: 10_000,
  });

export const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
/** Mapped rings of this process, and address ranges of the size that a ring takes. */
export function ringMappings(size: number): { rings: number; ranges: number } {
  const lines = readFileSync("/proc/self/maps", "utf8").trim().split("\n");
  const lengthOf = (line: string): number => {
    const [from = "", to = ""] = line.split(" ")[0]!.split("-");
    return parseInt(to, 16) - parseInt(from, 16);
  };
  return {
    rings: lines.filter((line) => line.includes("bpf-map")).length,
    ranges: lines.filter((line) => lengthOf(line) === size).length,
  };
}
export const residentBytes = (): number => process.memoryUsage.rss();
