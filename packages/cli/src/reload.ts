// SPDX-License-Identifier: MIT

import { isDeepStrictEqual } from "node:util";
import { SkepError, type Config, type Logger } from "@skep/core";
import { logError } from "./log.js";
import { logNotices } from "./report.js";

/**
 * New configurations for a run, on demand. One that cannot be read or is wrong is told in the log and changes nothing; so is one that
 * says what the present one says.
 */
export class Reload {
  #next: Promise<Config>;
  #resolve!: (config: Config) => void;
  #reading = false;

  /**
   * @param read reads and checks everything again
   * @param present what runs
   */
  constructor(
    private readonly read: () => Promise<Config>,
    private readonly log: Logger,
    public present: Config,
  ) {
    this.#next = this.#promise();
  }

  /** Resolves with the next configuration to run, and stays pending without one. */
  get next(): Promise<Config> {
    return this.#next;
  }

  /** The configuration of {@link next} runs now. */
  accept(config: Config): void {
    this.present = config;
    this.#next = this.#promise();
  }

  /** Somebody wants the configuration read again. */
  async request(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      const config = await this.read();
      if (sameConfig(config, this.present)) this.log.info({ event: "reload" }, "reload: nothing has changed");
      else {
        this.log.info({ event: "reload" }, "reload: the agent starts anew with another configuration");
        logNotices(this.log, config);
        this.#resolve(config);
      }
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#reading = false;
    }
  }

  /** Tells why a new configuration does not run. */
  refuse(error: unknown): void {
    logError(this.log, error);
    const code = error instanceof SkepError ? error.code : undefined;
    this.log.warn({ event: "reload", code }, "reload: the configuration in use stays");
  }

  #promise(): Promise<Config> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}

/** A run ended because of a new configuration. */
export interface Reloaded {
  readonly reloaded: Config;
}

/**
 * Runs one configuration after the other. A new one that does not start gives way to the one before it, with which the run goes on.
 * @param runOnce resolves to the exit status or to the configuration that follows; rejects when it does not start
 */
export async function runReloading(
  runOnce: (config: Config) => Promise<number | Reloaded>,
  reload: Reload,
): Promise<number> {
  let config = reload.present;
  let previous: Config | undefined;
  for (;;) {
    try {
      const ended = await runOnce(config);
      if (typeof ended === "number") return ended;
      [previous, config] = [config, ended.reloaded];
    } catch (error) {
      if (previous === undefined) throw error;
      reload.refuse(error);
      [config, previous] = [previous, undefined];
    }
    reload.accept(config);
  }
}

const sameConfig = ({ resolved, ...rest }: Config, { resolved: present, ...other }: Config): boolean =>
  isDeepStrictEqual(rest, other) &&
  isDeepStrictEqual(
    resolved.map(({ name, version }) => [name, version]),
    present.map(({ name, version }) => [name, version]),
  );
