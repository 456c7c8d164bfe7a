// SPDX-License-Identifier: MIT

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SkepError } from "../errors.js";
import { messageOf } from "../internal/failure.js";
import { Spool } from "./spool.js";

export interface SpoolOptions {
  /** Made when it does not exist. One agent at a time may use it. */
  readonly directory: string;
  /** Most bytes of each exporter's points; the oldest give way. Default 256 MiB. */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 256 * 2 ** 20;

/** Where the points of an agent's exporters wait on disk. Locked while it is open. */
export class SpoolDirectory {
  readonly #taken = new Map<string, number>();

  private constructor(private readonly options: SpoolOptions) {}

  /** @throws SkepError `SKEP_ERR_SPOOL` when it cannot be written or another agent has it */
  static async open(options: SpoolOptions): Promise<SpoolDirectory> {
    const lock = lockOf(options);
    const self = ownerOf(process.pid);
    try {
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      if (await isOwned(lock)) {
        throw new SkepError("SKEP_ERR_SPOOL", `${options.directory} is the spool of another agent that runs`, {
          hint: "give each agent a directory of its own",
        });
      }
      await writeFile(lock, self);
    } catch (cause) {
      if (cause instanceof SkepError) throw cause;
      throw new SkepError("SKEP_ERR_SPOOL", `${options.directory} cannot be a spool: ${messageOf(cause)}`, {
        cause,
        hint: "name a directory that can be written",
      });
    }
    return new SpoolDirectory(options);
  }

  /** The spool of an exporter; two exporters of one name get two, in the order of asking. */
  spoolOf(exporter: string): Promise<Spool> {
    const name = exporter.replace(/[^\w.-]+/g, "-").replace(/^\.+/, "-");
    const count = (this.#taken.get(name) ?? 0) + 1;
    this.#taken.set(name, count);
    const folder = join(this.options.directory, count === 1 ? name : `${name}-${count}`);
    return Spool.open(folder, this.options.maxBytes ?? defaultMaxBytes);
  }

  async close(): Promise<void> {
    await rm(lockOf(this.options), { force: true });
  }
}

const lockOf = ({ directory }: SpoolOptions): string => join(directory, "lock");

/** A process by number and start time: the number alone may be another's by now. Empty when it does not run. */
function ownerOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${pid} ${startTime}`;
  } catch {
    return "";
  }
}

async function isOwned(lock: string): Promise<boolean> {
  const owner = await readFile(lock, "utf8").catch(() => "");
  return owner !== "" && owner === ownerOf(Number(owner.split(" ")[0]));
}
