// SPDX-License-Identifier: MIT

import { printable } from "@skep/core";
import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import type { TopModel } from "./model.js";
import type { TopState } from "./state.js";
import { views, type Row, type TopColumn } from "./views.js";

/** Size of the screen, in characters, and how to write on it. */
export interface ScreenShape {
  readonly columns: number;
  readonly rows: number;
  bold(text: string): string;
  inverse(text: string): string;
  dim(text: string): string;
}

/** Lines above and below the rows. */
const frame = 4;
/** No text column is wider than this share of the screen while another wants room. */
const fairShare = 0.4;

/** Rows that fit on a screen. */
export const pageOf = ({ rows }: Pick<ScreenShape, "rows">): number => Math.max(1, rows - frame);

/** The screen as lines: never more than its rows, none wider than its columns. @param notice the last trouble there was */
export function render(model: TopModel, state: TopState, shape: ScreenShape, notice = ""): string[] {
  const view = views[state.view]!;
  const sort = state.sort[state.view]!;
  const rows = model.rows(view, { sort, reversed: state.reversed, filter: state.filter });
  const page = pageOf(shape);
  const top = Math.max(0, Math.min(state.top, rows.length - page));
  const visible = rows.slice(top, top + page);
  const widths = widthsOf(view.columns, visible, shape.columns);
  const title = (column: TopColumn, index: number) =>
    column.title + (index === sort ? (state.reversed ? " ^" : " v") : "");
  const fit = (text: string) => cutTo(text, shape.columns);
  const line = (cells: readonly string[], isNumber: readonly boolean[]) =>
    fit(cells.map((cell, index) => aligned(cell, widths[index]!, isNumber[index]!)).join(" "));
  const isNumber = view.columns.map(
    (column, index) => index >= view.columns.findIndex(isNumeric(visible)) && isNumeric(visible)(column),
  );
  const tabs = views.map(({ name }, index) => {
    const text = ` ${index + 1} ${name} (${model.count(views[index]!)}) `;
    return index === state.view ? shape.inverse(text) : text;
  });
  const paused = state.paused ? "  paused" : "";
  const hidden =
    rows.length > page ? `rows ${top + 1}-${top + visible.length} of ${rows.length}` : `${rows.length} rows`;
  const filter = state.typing ? `filter: ${state.filter}_` : state.filter === "" ? "" : `filter: ${state.filter}`;
  return [
    fit(tabs.join("") + shape.bold(paused)),
    shape.bold(line(view.columns.map(title), isNumber)),
    ...visible.map((row) =>
      line(
        view.columns.map((column) => column.cell(row)),
        isNumber,
      ),
    ),
    ...Array.from({ length: page - visible.length }, () => ""),
    fit([hidden, filter, printable(notice)].filter(Boolean).join("   ")),
    shape.dim(fit("1-4 tab: list   left right: sort   r: reverse   /: filter   p: pause   q: quit")),
  ].slice(0, shape.rows);
}

const isNumeric =
  (rows: readonly Row[]) =>
  (column: TopColumn): boolean =>
    rows.length > 0 && typeof column.value(rows[0]!) === "number";

/** cli-truncate may cut a family of emoji into wider single ones. */
function cutTo(text: string, width: number): string {
  let cut = text;
  for (let room = width; stringWidth(cut) > width; room--) cut = cliTruncate(text, room);
  return cut;
}

function aligned(text: string, width: number, isNumber: boolean): string {
  const cut = cutTo(text, width);
  const blanks = " ".repeat(Math.max(0, width - stringWidth(cut)));
  return isNumber ? blanks + cut : cut + blanks;
}

/** What each column wants; the widest texts give way until all fit. */
function widthsOf(columns: readonly TopColumn[], rows: readonly Row[], width: number): number[] {
  const wanted = columns.map((column) =>
    Math.max(stringWidth(column.title) + 2, ...rows.map((row) => stringWidth(column.cell(row)))),
  );
  const least = Math.max(8, Math.floor(width * fairShare));
  const room = width - (columns.length - 1);
  for (let excess = sum(wanted) - room; excess > 0; excess = sum(wanted) - room) {
    const widest = wanted.indexOf(Math.max(...wanted));
    if (wanted[widest]! <= 8) break; // a screen too narrow for all: the last columns are cut off
    const bound = wanted[widest]! > least ? least : 8;
    wanted[widest] = Math.max(bound, wanted[widest]! - excess);
  }
  return wanted;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
