// SPDX-License-Identifier: MIT

import { messageOf } from "../internal/failure.js";
import type { Logger } from "../logger.js";
import type { FileWatcher, MappedFile } from "./mapped-files.js";

/** Answers of `wanted` that are kept. Hosts run far fewer files. */
const maxAnswers = 16_384;

/** One watcher and what it was told: nothing twice, and of all that it found it hears the end. */
export class Watch {
  /** Process -> file id -> file. */
  readonly #told = new Map<number, Map<string, MappedFile>>();
  readonly #answers = new Map<string, boolean>();

  constructor(
    private readonly watcher: FileWatcher,
    private readonly log: Logger,
  ) {}

  wants(path: string, isProgram: boolean): boolean {
    const key = `${isProgram} ${path}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#guarded(() => this.watcher.wanted(path, isProgram)) ?? false;
    if (this.#answers.size >= maxAnswers) this.#answers.clear();
    this.#answers.set(key, answer);
    return answer;
  }

  found(file: MappedFile): void {
    if (!this.wants(file.path, file.isProgram)) return;
    let files = this.#told.get(file.pid);
    if (files === undefined) this.#told.set(file.pid, (files = new Map()));
    if (files.has(file.id)) return;
    files.set(file.id, file);
    this.#guarded(() => this.watcher.found(file));
  }

  /** The process is no more, or another program's. */
  ended(pid: number): void {
    const files = this.#told.get(pid);
    this.#told.delete(pid);
    for (const file of files?.values() ?? []) this.#guarded(() => this.watcher.gone?.(file));
  }

  /** We may be in the middle of another plugin's records: a watcher that throws must not be taken for it. */
  #guarded<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.log.error({ event: "mapped-files", error: messageOf(error) }, "a watcher of mapped files threw");
      return undefined;
    }
  }
}
