// SPDX-License-Identifier: MIT

import { createRequire } from "node:module";
import { SkepError } from "@skep/core";
import type BetterSqlite from "better-sqlite3";
import { decodeLink, encodeLink } from "../link.js";
import type { ExportBatch, SpanRecord, SpanStore, StoredSpan } from "./store.js";

export interface SqliteStoreOptions {
  /** The database file; made when there is none. */
  readonly path: string;
  /**
   * What an acknowledged span outlives: the end of the `process`, however sudden (default), or that of the machine's `power` too,
   * which waits for the disk at every append.
   */
  readonly outlives?: "process" | "power";
}

const schema = `
  CREATE TABLE IF NOT EXISTS span (seq INTEGER PRIMARY KEY, keys BLOB NOT NULL, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS link (seq INTEGER PRIMARY KEY, ids TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, seqs TEXT NOT NULL);
`;
/** Changes with the meaning of the tables and of what is in them: keys are hashes. */
const VERSION = 1;

/**
 * A store in one SQLite file, in one process at a time. Appends are transactions of a write-ahead log. Pages of what is
 * forgotten are used again, so the file is as large as the window ever was.
 *
 * @throws SkepError `SKEP_ERR_STORE` when better-sqlite3 is not installed, or the file cannot be used
 */
export function sqliteStore({ path, outlives = "process" }: SqliteStoreOptions): SpanStore {
  const database = open(path, outlives);
  const insertSpan = database.prepare("INSERT INTO span VALUES (?, ?, ?)");
  const insertLink = database.prepare("INSERT INTO link VALUES (?, ?)");
  const insertBatch = database.prepare("INSERT INTO batch VALUES (?, ?)");
  const selectSpan = database.prepare<[number], Buffer>("SELECT body FROM span WHERE seq = ?").pluck();
  const selectLink = database.prepare<[number], string>("SELECT ids FROM link WHERE seq = ?").pluck();
  const deleteBatch = database.prepare("DELETE FROM batch WHERE id = ?");
  const deleteSpans = database.prepare("DELETE FROM span WHERE seq < ?");
  const deleteLinks = database.prepare("DELETE FROM link WHERE seq < ?");
  return {
    durable: true,
    *recover(): Iterable<StoredSpan> {
      const all = database.prepare<[], { seq: number; keys: Buffer; size: number; linked: number }>(
        `SELECT span.seq AS seq, keys, length(body) AS size, link.seq IS NOT NULL AS linked
         FROM span LEFT JOIN link ON link.seq = span.seq ORDER BY span.seq`,
      );
      for (const { seq, keys, size, linked } of all.iterate()) yield { seq, keys, size, isLinked: linked !== 0 };
    },
    pending: () =>
      database
        .prepare<[], { id: number; seqs: string }>("SELECT id, seqs FROM batch ORDER BY id")
        .all()
        .map(({ id, seqs }): ExportBatch => ({ id, spans: JSON.parse(seqs) as number[] })),
    append: database.transaction((first: number, spans: readonly SpanRecord[]) => {
      spans.forEach(({ keys, body }, index) => insertSpan.run(first + index, keys, body));
    }),
    span: (seq) => present(selectSpan.get(seq), seq),
    link: (seq) => decodeLink(present(selectLink.get(seq), seq)),
    assign: database.transaction((links: Parameters<SpanStore["assign"]>[0], batches: readonly ExportBatch[]) => {
      for (const [seq, link] of links) insertLink.run(seq, encodeLink(link));
      for (const { id, spans } of batches) insertBatch.run(id, JSON.stringify(spans));
    }),
    taken: (batch) => void deleteBatch.run(batch),
    forget: database.transaction((before: number) => {
      deleteSpans.run(before);
      deleteLinks.run(before);
    }),
    close: () => void database.close(),
  };
}

function open(path: string, outlives: "process" | "power"): BetterSqlite.Database {
  const Database = load();
  try {
    // Another linker on the same file is an error, at once.
    const database = new Database(path, { timeout: 1000 });
    database.pragma("locking_mode = EXCLUSIVE");
    database.pragma("journal_mode = WAL");
    database.pragma(`synchronous = ${outlives === "power" ? "FULL" : "NORMAL"}`);
    const version = database.pragma("user_version", { simple: true }) as number;
    if (version !== 0 && version !== VERSION) throw new Error(`it was written by another version (${version})`);
    database.exec(schema);
    database.pragma(`user_version = ${VERSION}`);
    return database;
  } catch (cause) {
    throw new SkepError("SKEP_ERR_STORE", `span store ${path}: ${(cause as Error).message}`, {
      hint: "is the directory there and writable, and no other linker at work on it?",
      cause,
    });
  }
}

/** The library is native and optional: a host without it can still link in memory. */
function load(): typeof BetterSqlite {
  try {
    return createRequire(import.meta.url)("better-sqlite3") as typeof BetterSqlite;
  } catch (cause) {
    throw new SkepError("SKEP_ERR_STORE", "better-sqlite3 cannot be loaded", {
      hint: "install it (it wants a compiler where there is no prebuilt one), or link in memory, which a restart forgets",
      cause,
    });
  }
}

function present<T>(value: T | undefined, seq: number): T {
  if (value === undefined) throw new Error(`span ${seq} is not in the store`);
  return value;
}
