// SPDX-License-Identifier: MIT

import type { Writable } from "node:stream";
import { ExportError } from "../exporter.js";

/** A function that writes text to `stream` and resolves when the stream took it. A stream that is broken stays broken. */
export function writerTo(stream: Writable): (text: string) => Promise<void> {
  // The write's own callback tells of an error; without a listener the event would end the process besides.
  stream.on("error", () => {});
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => {
        if (error) reject(new ExportError(`cannot write: ${error.message}`, { retryable: false, cause: error }));
        else resolve();
      });
    });
}
