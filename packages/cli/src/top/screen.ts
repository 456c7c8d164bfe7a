// SPDX-License-Identifier: MIT

import { emitKeypressEvents } from "node:readline";
import { styleText } from "node:util";
import ansi from "ansi-escapes";
import type { ScreenShape } from "./render.js";
import type { Key } from "./state.js";

/** A terminal taken over: the other screen, no cursor, keys one by one. Given back by `close`. */
export class Screen {
  readonly #onKey: (text: string | undefined, key: Key) => void;
  readonly #onResize: () => void;

  constructor(onKey: (key: Key) => void, onResize: () => void) {
    this.#onKey = (text, key) => onKey({ ...key, sequence: key.sequence ?? text });
    this.#onResize = onResize;
    process.stdout.write(ansi.enterAlternativeScreen + ansi.cursorHide);
    process.stdout.on("resize", this.#onResize);
    if (!process.stdin.isTTY) return;
    emitKeypressEvents(process.stdin);
    process.stdin.setRawMode(true).on("keypress", this.#onKey).resume();
  }

  get shape(): ScreenShape {
    return {
      columns: process.stdout.columns || 80,
      rows: process.stdout.rows || 24,
      bold: (text) => styleText("bold", text),
      inverse: (text) => styleText("inverse", text),
      dim: (text) => styleText("dim", text),
    };
  }

  /** Shows lines; what was there is overwritten, not cleared first: that would flicker. */
  show(lines: readonly string[]): void {
    process.stdout.write(
      ansi.cursorTo(0, 0) + lines.map((line) => line + ansi.eraseEndLine).join("\r\n") + ansi.eraseDown,
    );
  }

  close(): void {
    process.stdout.off("resize", this.#onResize);
    if (process.stdin.isTTY) process.stdin.off("keypress", this.#onKey).setRawMode(false).pause();
    process.stdout.write(ansi.cursorShow + ansi.exitAlternativeScreen);
  }
}
