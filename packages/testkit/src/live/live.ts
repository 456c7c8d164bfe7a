// SPDX-License-Identifier: MIT

import type { Backend, Verdict } from "@skep/core";
import type { ImplementationFn, TestFn } from "ava";
import { type Requirement, verdictOn } from "./requirement.js";

/** Registers a test that runs where its requirements are met, and is skipped with the reason in its title elsewhere. */
export type LiveTest = (
  requirements: readonly Requirement[],
  title: string,
  implementation: ImplementationFn<[]>,
) => void;

export interface LiveOptions {
  /** Who is asked. Default: the libbpf backend. */
  readonly backend?: Backend;
  /** Requirements whose lack is a failure, separated by commas; `all`. Default `LIVE_REQUIRE` of the environment. */
  readonly require?: string;
}

/**
 * Finds out which of `requirements` this machine meets; then the tests are registered:
 *
 * ```ts
 * const live = await liveTests(test, ["tp_btf", "map:ringbuf"]);
 * live(["tp_btf"], "an exec is seen", async (t) => { ... });
 * ```
 *
 * ava runs a file's tests as soon as the first is registered: await this before any other `test()`.
 * Tests are serial, because they share the kernel. Could not be told means: run.
 */
export async function liveTests(
  test: TestFn,
  requirements: readonly Requirement[],
  options: LiveOptions = {},
): Promise<LiveTest> {
  const verdicts = await probeAll(requirements, options.backend);
  const demanded = (options.require ?? process.env["LIVE_REQUIRE"] ?? "").split(",").map((name) => name.trim());
  return (needed, title, implementation) => {
    const missing = needed.flatMap((requirement) => missingOf(requirement, verdicts));
    if (missing.length === 0) return test.serial(title, implementation);
    const why = missing.map(({ requirement, reason }) => `${requirement}: ${reason}`).join("; ");
    if (missing.some(({ requirement }) => isDemanded(requirement, demanded))) {
      return test.serial(title, (t) => t.fail(`LIVE_REQUIRE demands it and this machine cannot: ${why}`));
    }
    test.serial.skip(`${title} (skipped: ${why})`, implementation);
  };
}

/** `tp_btf:inet_sock_set_state` is demanded by `tp_btf` too. */
export const isDemanded = (requirement: Requirement, demanded: readonly string[]): boolean =>
  demanded.some((name) => name === "all" || name === requirement || name === requirement.split(":")[0]);

type Verdicts = ReadonlyMap<Requirement, Verdict>;

function missingOf(requirement: Requirement, verdicts: Verdicts): { requirement: string; reason: string }[] {
  const verdict = verdicts.get(requirement);
  if (verdict === undefined) throw new Error(`${requirement} must be among the requirements given to liveTests()`);
  if (verdict.supported !== false) return [];
  return [{ requirement, reason: firstLine(verdict.reason ?? "not supported") }];
}

async function probeAll(requirements: readonly Requirement[], given: Backend | undefined): Promise<Verdicts> {
  let backend = given;
  const verdicts = new Map<Requirement, Verdict>();
  try {
    for (const requirement of requirements) {
      verdicts.set(requirement, await verdictOn(requirement, async () => (backend ??= await libbpf())));
    }
  } finally {
    if (given === undefined) await backend?.close();
  }
  return verdicts;
}

/** Loaded only when something is to be probed: golden and contract tests need no native library. */
async function libbpf(): Promise<Backend> {
  const { libbpfBackend } = await import("@skep/backend-libbpf");
  return libbpfBackend();
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!;
