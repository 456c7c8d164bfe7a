// SPDX-License-Identifier: MIT

import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { Serial } from "../internal/serial.js";
import type { Point } from "../measurement.js";

/** A batch of points in a file of its own. */
interface Entry {
  readonly file: string;
  /** Smaller is older. */
  readonly sequence: number;
  readonly points: number;
  readonly bytes: number;
}

const fileName = /^(\d{12})-(\d+)\.points$/;
const checksumBytes = 4;
/** Number of the first batch of an empty spool: batches can be put before it and behind it. */
const middle = 500_000_000_000;

/**
 * Points of one exporter on disk, oldest first. Each batch is a file: written aside, synced, renamed, and removed when it was
 * delivered. So a crash leaves whole batches, in order, and at worst one that was delivered and not yet removed.
 *
 * One process at a time; `SpoolDirectory` sees to that. Every method but the getters may reject with the file system's error.
 */
export class Spool {
  readonly #entries: Entry[] = [];
  #next = middle;
  #bytes = 0;
  /** One write after the other: order is everything. */
  readonly #writes = new Serial();
  /** The first entry is being delivered: it does not give way. */
  #isLent = false;

  private constructor(
    readonly directory: string,
    private readonly maxBytes: number,
  ) {}

  /** Finds what an earlier run left. The directory need not exist, and is only made when there is something to keep. */
  static async open(directory: string, maxBytes: number): Promise<Spool> {
    const spool = new Spool(directory, maxBytes);
    const names = await readdir(directory).catch(() => [] as string[]);
    for (const name of names.sort()) {
      const file = join(directory, name);
      const [, sequence, points] = fileName.exec(name) ?? [];
      if (sequence === undefined) {
        if (name.endsWith(".part")) await rm(file, { force: true }); // a write that a crash cut off
        continue;
      }
      const { size } = await stat(file);
      spool.#entries.push({ file, sequence: Number(sequence), points: Number(points), bytes: size });
      spool.#bytes += size;
      spool.#next = Number(sequence) + 1;
    }
    return spool;
  }

  /** Points that wait. */
  get points(): number {
    return this.#entries.reduce((sum, entry) => sum + entry.points, 0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Keeps a batch behind the others. Returns how many of the oldest points gave way. */
  append(points: readonly Point[]): Promise<number> {
    return this.#writes.run(async () => {
      this.#entries.push(await this.#write(this.#next, points));
      this.#next++;
      return this.#makeRoom();
    });
  }

  /** Keeps a batch before the others: it is older than they are. Returns how many of the oldest points gave way. */
  prepend(points: readonly Point[]): Promise<number> {
    return this.#writes.run(async () => {
      const [first] = this.#entries;
      this.#entries.unshift(await this.#write(first === undefined ? this.#next++ : first.sequence - 1, points));
      return this.#makeRoom();
    });
  }

  async #write(sequence: number, points: readonly Point[]): Promise<Entry> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const body = serialize(points);
    const checksum = Buffer.alloc(checksumBytes);
    checksum.writeUInt32BE(crc32(body));
    const name = `${String(sequence).padStart(12, "0")}-${points.length}.points`;
    const file = join(this.directory, name);
    const part = await open(`${file}.part`, "w", 0o600);
    try {
      await part.writev([checksum, body]);
      await part.datasync();
    } catch (error) {
      await part.close();
      await rm(`${file}.part`, { force: true });
      throw error;
    }
    await part.close();
    await rename(`${file}.part`, file);
    const bytes = checksumBytes + body.length;
    this.#bytes += bytes;
    return { file, sequence, points: points.length, bytes };
  }

  /**
   * The oldest batch, which stays until {@link removeFirst}. Undefined when there is none; `damaged` tells how many points stood in
   * files before it that could not be read and were removed.
   */
  async first(): Promise<{ readonly points: readonly Point[] | undefined; readonly damaged: number }> {
    let damaged = 0;
    for (let [entry] = this.#entries; entry !== undefined; [entry] = this.#entries) {
      this.#isLent = true;
      const points = await readBatch(entry.file);
      if (points !== undefined) return { points, damaged };
      damaged += entry.points;
      await this.removeFirst();
    }
    return { points: undefined, damaged };
  }

  /** The oldest batch was delivered, or refused for good. */
  async removeFirst(): Promise<void> {
    this.#isLent = false;
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    await rm(entry.file, { force: true });
  }

  async #makeRoom(): Promise<number> {
    let lost = 0;
    while (this.#bytes > this.maxBytes) {
      const [oldest] = this.#entries.splice(this.#isLent ? 1 : 0, 1);
      if (oldest === undefined) break;
      this.#bytes -= oldest.bytes;
      lost += oldest.points;
      await rm(oldest.file, { force: true });
    }
    return lost;
  }
}

/** Undefined for a file that is not what was written, or gone. @throws the file system's error for one that cannot be read now */
async function readBatch(file: string): Promise<readonly Point[] | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const body = bytes.subarray(checksumBytes);
  if (bytes.length < checksumBytes || crc32(body) !== bytes.readUInt32BE(0)) return undefined;
  try {
    return deserialize(body) as readonly Point[];
  } catch {
    return undefined; // of another version
  }
}
