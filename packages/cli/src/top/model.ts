// SPDX-License-Identifier: MIT

import type { Point } from "@skep/core";
import { views, type Row, type View } from "./views.js";

/** Rows kept per list; those heard of longest ago go first. */
const maxRows = 5_000;

interface LiveRow extends Row {
  readonly total: Record<string, number>;
  now: Record<string, number>;
  heardAt: number;
}

/** What rows are wanted, and in which order. */
export interface RowOrder {
  /** Column. */
  readonly sort: number;
  readonly reversed: boolean;
  /** Only rows that show this text, in any case. */
  readonly filter: string;
}

/** What `skep top` knows: points folded into rows, bounded. Knows no clock: seconds are told. */
export class TopModel {
  readonly #rows = new Map<string, Map<string, LiveRow>>(views.map(({ name }) => [name, new Map()]));
  #elapsed = 0;

  /** Points of one interval, which took `seconds`: rates are theirs alone. */
  tick(points: readonly Point[], seconds: number): void {
    this.#elapsed += seconds;
    for (const view of views) {
      const rows = this.#rows.get(view.name)!;
      for (const row of rows.values()) row.now = {};
      for (const point of points) if (point.measurement === view.measurement) this.#fold(view, rows, point, seconds);
      for (const [key, row] of rows) {
        if (this.#elapsed - row.heardAt > view.keepSeconds || rows.size > maxRows) rows.delete(key);
      }
    }
  }

  rows(view: View, { sort, reversed, filter }: RowOrder): readonly Row[] {
    const wanted = filter.toLowerCase();
    const column = view.columns[sort] ?? view.columns[0]!;
    const rows = [...this.#rows.get(view.name)!.values()].filter(({ texts }) =>
      texts.some((text) => text.toLowerCase().includes(wanted)),
    );
    const sign = reversed ? -1 : 1;
    return rows.sort((a, b) => sign * compare(column.value(a), column.value(b)) || compare(a.texts[0]!, b.texts[0]!));
  }

  count(view: View): number {
    return this.#rows.get(view.name)!.size;
  }

  #fold(view: View, rows: Map<string, LiveRow>, point: Point, seconds: number): void {
    const texts = view.textsOf(point);
    if (texts === undefined) return;
    const key = texts.join("\0");
    const row: LiveRow = rows.get(key) ?? { texts, total: {}, now: {}, heardAt: 0 };
    row.heardAt = this.#elapsed;
    for (const [name, value] of Object.entries(view.numbersOf(point))) {
      row.total[name] = (row.total[name] ?? 0) + value;
      row.now[name] = (row.now[name] ?? 0) + value / Math.max(seconds, 0.001);
    }
    rows.delete(key); // heard of last: to the end
    rows.set(key, row);
  }
}

/** Numbers downwards, text upwards. */
const compare = (a: string | number, b: string | number): number =>
  typeof a === "number" && typeof b === "number" ? b - a : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
