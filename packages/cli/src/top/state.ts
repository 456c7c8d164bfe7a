// SPDX-License-Identifier: MIT

import { views } from "./views.js";

/** What the user of `skep top` has chosen. */
export interface TopState {
  /** Index of the list shown. */
  readonly view: number;
  /** Per list, the column it is sorted by. */
  readonly sort: readonly number[];
  readonly reversed: boolean;
  readonly filter: string;
  /** The filter is being typed. */
  readonly typing: boolean;
  readonly paused: boolean;
  /** First row shown. */
  readonly top: number;
}

/** A key as node:readline tells it. */
export interface Key {
  readonly sequence?: string | undefined;
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

export const initialState: TopState = {
  view: 0,
  sort: views.map(({ sortedBy }) => sortedBy),
  reversed: false,
  filter: "",
  typing: false,
  paused: false,
  top: 0,
};

/** What a key makes of the state; undefined: leave. @param page rows on the screen */
export function press(state: TopState, key: Key, page: number): TopState | undefined {
  if (key.ctrl && key.name === "c") return undefined;
  return state.typing ? type(state, key) : choose(state, key, page);
}

function type(state: TopState, { name, sequence = "", ctrl }: Key): TopState {
  if (name === "return" || name === "enter") return { ...state, typing: false };
  if (name === "escape") return { ...state, typing: false, filter: "", top: 0 };
  if (name === "backspace") return { ...state, filter: [...state.filter].slice(0, -1).join(""), top: 0 };
  const isText = !ctrl && sequence !== "" && !/\p{Cc}/u.test(sequence);
  return isText ? { ...state, filter: state.filter + sequence, top: 0 } : state;
}

function choose(state: TopState, { name, sequence = "" }: Key, page: number): TopState | undefined {
  const numbered = Number(sequence) - 1;
  if (views[numbered] !== undefined) return shown(state, numbered);
  switch (name ?? sequence) {
    case "q":
      return undefined;
    case "tab":
      return shown(state, (state.view + 1) % views.length);
    case "right":
      return sorted(state, 1);
    case "left":
      return sorted(state, -1);
    case "r":
      return { ...state, reversed: !state.reversed };
    case "p":
    case "space":
      return { ...state, paused: !state.paused };
    case "/":
      return { ...state, typing: true };
    case "escape":
      return { ...state, filter: "", top: 0 };
    case "down":
      return { ...state, top: state.top + 1 };
    case "up":
      return { ...state, top: Math.max(0, state.top - 1) };
    case "pagedown":
      return { ...state, top: state.top + page };
    case "pageup":
      return { ...state, top: Math.max(0, state.top - page) };
    case "home":
      return { ...state, top: 0 };
    default:
      return state;
  }
}

const shown = (state: TopState, view: number): TopState => ({ ...state, view, top: 0, reversed: false });

function sorted(state: TopState, step: number): TopState {
  const { columns } = views[state.view]!;
  const sort = state.sort.map((column, view) =>
    view === state.view ? (column + step + columns.length) % columns.length : column,
  );
  return { ...state, sort, reversed: false, top: 0 };
}
