// SPDX-License-Identifier: MIT

import type { ProcFiles } from "./proc-files.js";
import type { ProcessEntry } from "./process-table.js";

/** An entry of the process table, as the table itself sees it: it may change, and knows when it was last compared with /proc. */
export class ProcessLife implements ProcessEntry {
  exitedNs: bigint | undefined;
  /** Clock reading (ms) of the last look into /proc. */
  checkedAt = -Infinity;
  #executable: string | undefined | null = null;
  #cgroup: string | undefined | null = null;

  constructor(
    private readonly files: ProcFiles,
    readonly pid: number,
    public ppid: number,
    public name: string,
    public uid: number,
    public startTicks: number,
  ) {}

  get executable(): string | undefined {
    if (this.#executable === null) this.#executable = this.#alive ? this.files.executable(this.pid) : undefined;
    return this.#executable;
  }

  get cgroup(): string | undefined {
    if (this.#cgroup === null) this.#cgroup = this.#alive ? this.files.cgroup(this.pid) : undefined;
    return this.#cgroup;
  }

  /** A new program runs in the process. */
  execute(name: string, uid: number): void {
    this.name = name;
    this.uid = uid;
    this.#executable = null;
  }

  /** False when /proc may already speak of another process. */
  get #alive(): boolean {
    return this.exitedNs === undefined && this.files.facts(this.pid)?.startTicks === this.startTicks;
  }
}
