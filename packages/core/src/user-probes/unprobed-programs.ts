// SPDX-License-Identifier: MIT

import type { PluginContext } from "../plugin.js";
import type { MappedFile } from "../services/mapped-files.js";

/** Time between two looks. The second finds a program wanting: until then its libraries are mapped. */
const lookMs = 5_000;

interface Program {
  readonly path: string;
  looks: number;
  takeBack?: () => void;
}

/** Programs that should have something to probe and (so far) have not: each degrades the plugin while it runs. */
export class UnprobedPrograms {
  readonly #programs = new Map<number, Program>();

  /** @param missing what a program is without, in words */
  constructor(context: PluginContext<unknown>, what: string, missing: string) {
    context.every(lookMs, () => {
      for (const [pid, program] of this.#programs) {
        if (++program.looks !== 2) continue;
        program.takeBack = context.degrade(`${what}: ${program.path} (process ${pid}) has no ${missing} to be probed`);
      }
    });
  }

  /** `probes` are attached to a file of its process. */
  attached({ pid, path, isProgram }: MappedFile, probes: number): void {
    if (probes > 0) this.gone(pid);
    else if (isProgram) this.#programs.set(pid, { path, looks: 0 });
  }

  gone(pid: number): void {
    this.#programs.get(pid)?.takeBack?.();
    this.#programs.delete(pid);
  }
}
