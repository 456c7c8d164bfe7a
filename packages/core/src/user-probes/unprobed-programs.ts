// SPDX-License-Identifier: MIT

import type { PluginContext } from "../plugin.js";
import type { MappedFile } from "../services/mapped-files.js";

/** Time between two looks. The second finds a program wanting: until then its libraries are mapped. */
const lookMs = 5_000;

interface Program {
  readonly path: string;
  /** What it is without, in words. */
  readonly missing: string;
  looks: number;
  takeBack?: () => void;
}

/** Programs that should have something to probe and (so far) have not: each degrades the plugin while it runs. */
export class UnprobedPrograms {
  readonly #programs = new Map<number, Program>();

  constructor(context: PluginContext<unknown>, what: string) {
    context.every(lookMs, () => {
      for (const [pid, program] of this.#programs) {
        if (++program.looks !== 2) continue;
        const { path, missing } = program;
        program.takeBack = context.degrade(`${what}: ${path} (process ${pid}) has no ${missing} to be probed`);
      }
    });
  }

  /** `probes` are attached to a file of its process. */
  attached({ pid, path, isProgram }: MappedFile, probes: number, expected: string | undefined): void {
    if (probes > 0) this.gone(pid);
    else if (isProgram && expected !== undefined) this.#programs.set(pid, { path, missing: expected, looks: 0 });
  }

  gone(pid: number): void {
    this.#programs.get(pid)?.takeBack?.();
    this.#programs.delete(pid);
  }
}
