// SPDX-License-Identifier: MIT

import type { ChosenStrategy, Layout } from "@skep/core";
import { layoutHash } from "./layout-hash.js";
import { array, count, layout, object, text } from "./json-shape.js";
import { malformed } from "./malformed.js";
import { fromPlain, toPlain } from "./plain-value.js";

/** Version of the file format. A reader refuses any other. */
export const RECORDING_VERSION = 1;

type Constant = number | bigint | boolean;

/**
 * First line of a recording, as JSON: what it was made from. Everything a replay must know before the first frame.
 * One recording holds one session: one plugin from load to close.
 */
export interface RecordingHeader {
  readonly plugin: { readonly name: string; readonly version: string; readonly api: string };
  readonly kernel: { readonly release: string; readonly arch: string; readonly possibleCpus: number };
  /** When the session was opened, in both times; their difference is the boot time. */
  readonly clock: { readonly monotonicNs: bigint; readonly unixNs: bigint };
  readonly strategies: Readonly<Record<string, ChosenStrategy>>;
  readonly rodata: Readonly<Record<string, Constant>>;
  readonly mapEntries: Readonly<Record<string, number>>;
  /** Layouts of the codecs the recorded bytes are to be read with. */
  readonly layouts: readonly Layout[];
  readonly layoutHash: string;
  /** The plugin's configuration, checked; absent where whoever recorded did not know it. */
  readonly config?: unknown;
}

/** The first line of a file, newline included. 64-bit numbers are strings: JSON has none. */
export function serializeHeader(header: RecordingHeader): string {
  const plain = {
    bpfrec: RECORDING_VERSION,
    ...header,
    ...(header.config === undefined ? {} : { config: toPlain(header.config) }),
    clock: { monotonicNs: String(header.clock.monotonicNs), unixNs: String(header.clock.unixNs) },
    rodata: Object.fromEntries(
      Object.entries(header.rodata).map(([name, value]) => [name, typeof value === "bigint" ? `${value}n` : value]),
    ),
  };
  return `${JSON.stringify(plain)}\n`;
}

/** @throws SkepError `SKEP_ERR_RECORDING` when the line is no header of this version. */
export function parseHeader(line: string): RecordingHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw malformed("its first line is not JSON", error);
  }
  const header = object(parsed, "header");
  if (header["bpfrec"] !== RECORDING_VERSION) {
    throw malformed(`format version ${String(header["bpfrec"])} instead of ${RECORDING_VERSION}`);
  }
  const plugin = object(header["plugin"], "plugin");
  const kernel = object(header["kernel"], "kernel");
  const clock = object(header["clock"], "clock");
  const layouts = array(header["layouts"], "layouts").map(layout);
  const hash = text(header["layoutHash"], "layoutHash");
  if (hash !== layoutHash(layouts)) throw malformed("its layouts are not those of its layout hash");
  return {
    plugin: {
      name: text(plugin["name"], "plugin.name"),
      version: text(plugin["version"], "plugin.version"),
      api: text(plugin["api"], "plugin.api"),
    },
    kernel: {
      release: text(kernel["release"], "kernel.release"),
      arch: text(kernel["arch"], "kernel.arch"),
      possibleCpus: count(kernel["possibleCpus"], "kernel.possibleCpus"),
    },
    clock: {
      monotonicNs: wide(clock["monotonicNs"], "clock.monotonicNs"),
      unixNs: wide(clock["unixNs"], "clock.unixNs"),
    },
    strategies: mapValues(object(header["strategies"], "strategies"), strategy),
    rodata: mapValues(object(header["rodata"], "rodata"), constant),
    mapEntries: mapValues(object(header["mapEntries"], "mapEntries"), (value) => count(value, "mapEntries")),
    layouts,
    layoutHash: hash,
    ...(header["config"] === undefined ? {} : { config: fromPlain(header["config"]) }),
  };
}

function strategy(value: unknown): ChosenStrategy {
  const plain = object(value, "strategy");
  const refused = array(plain["refused"], "strategy.refused").map((entry) => {
    const { name, reason } = object(entry, "strategy.refused");
    return { name: text(name, "refused.name"), reason: text(reason, "refused.reason") };
  });
  return {
    name: plain["name"] === undefined ? undefined : text(plain["name"], "strategy.name"),
    ...(plain["limits"] === undefined ? {} : { limits: text(plain["limits"], "strategy.limits") }),
    refused,
  };
}

function constant(value: unknown): Constant {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string" && /^-?\d{1,20}n$/.test(value)) return BigInt(value.slice(0, -1));
  throw malformed("rodata holds something that is no number");
}

function wide(value: unknown, what: string): bigint {
  const digits = text(value, what);
  if (!/^\d{1,20}$/.test(digits)) throw malformed(`${what} is no number of nanoseconds`);
  return BigInt(digits);
}

function mapValues<T>(plain: Readonly<Record<string, unknown>>, map: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, map(value)]));
}
