// SPDX-License-Identifier: MIT

import type { ApiObject } from "./objects.js";

/** What a watch tells. An `ERROR`'s object is a `Status`, and the last word. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: ApiObject & { readonly code?: number; readonly message?: string };
}

const NEWLINE = 0x0a;

/**
 * The events of a watch as they arrive, one a line. Ends when the server ends the watch; half a line at the end is none.
 * @throws SyntaxError for a line that is no JSON; whatever breaks the connection
 */
export async function* watchEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent> {
  let line: Buffer[] = [];
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      const text = Buffer.concat([...line, chunk.subarray(begin, end)]).toString();
      line = [];
      begin = end + 1;
      if (text.trim() !== "") yield JSON.parse(text) as WatchEvent;
    }
    line.push(Buffer.from(chunk.subarray(begin)));
  }
}
