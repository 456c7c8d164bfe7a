// SPDX-License-Identifier: MIT

/** What the process the agent lives in may use. Absent: as much as there is. */
export interface ResourceLimits {
  /** Processor cores, such as 0.5. */
  readonly cpuCores?: number;
  /** Resident memory, bytes. */
  readonly memoryBytes?: number;
}

/** What it uses. */
export interface ResourceUse {
  /** Mean since the last look. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

/** What is done about too much use. */
export type Relief =
  | { readonly action: "reduce" | "restore"; /** Share of the flows that is kept. */ readonly share: number }
  | { readonly action: "stop"; /** Plugin that is stopped: the one with most to do. */ readonly plugin?: string }
  | { readonly action: "exit" };

/** Shares of the flows that are kept, one after another. */
const shares = [1, 0.5, 0.1] as const;
/** Looks in a row that must find too much: a burst is no reason. */
const patience = 2;
/** Looks in a row with room to spare before more is dared again. */
const calmLooks = 20;
/** Room to spare: below this share of every limit. */
const roomy = 0.8;

/** Why a limit is exceeded; undefined when none is. */
export function excessOf(limits: ResourceLimits, use: ResourceUse): string | undefined {
  const { cpuCores, memoryBytes } = limits;
  if (memoryBytes !== undefined && use.memoryBytes > memoryBytes) {
    return `memory: ${mebibytes(use.memoryBytes)} MiB of ${mebibytes(memoryBytes)} MiB`;
  }
  if (cpuCores !== undefined && use.cpuCores > cpuCores) {
    return `processor: ${use.cpuCores.toFixed(2)} of ${cpuCores} cores`;
  }
  return undefined;
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/**
 * Decides what to do about too much use: first less is kept, then plugins are stopped, then the agent itself. What was reduced is
 * restored when there is room; what was stopped stays so. Knows no clock: it is asked at each look.
 */
export class ReliefPlan {
  #level = 0;
  #strikes = 0;
  #calm = 0;

  constructor(private readonly limits: ResourceLimits) {}

  /** @param running plugins that could be stopped */
  look(use: ResourceUse, running: number): Relief | undefined {
    if (excessOf(this.limits, use) === undefined) {
      this.#strikes = 0;
      return this.#restore(use);
    }
    this.#calm = 0;
    if (++this.#strikes < patience) return undefined;
    this.#strikes = 0;
    const less = shares[this.#level + 1];
    if (less !== undefined) {
      this.#level++;
      return { action: "reduce", share: less };
    }
    return running > 0 ? { action: "stop" } : { action: "exit" };
  }

  #restore({ cpuCores, memoryBytes }: ResourceUse): Relief | undefined {
    const { cpuCores: mostCores = Infinity, memoryBytes: mostMemory = Infinity } = this.limits;
    const isRoomy = cpuCores < mostCores * roomy && memoryBytes < mostMemory * roomy;
    this.#calm = isRoomy && this.#level > 0 ? this.#calm + 1 : 0;
    if (this.#calm < calmLooks) return undefined;
    this.#calm = 0;
    return { action: "restore", share: shares[--this.#level]! };
  }
}
