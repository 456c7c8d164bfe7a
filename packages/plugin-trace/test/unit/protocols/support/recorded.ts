// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What one end of a connection said. */
export interface Said {
  readonly isClient: boolean;
  readonly bytes: Buffer;
}

const folder = fileURLToPath(new URL("../recorded/", import.meta.url));

/** Names of the connections that were recorded between real clients and servers; see recorded/README.md. */
export const recordings = readdirSync(folder)
  .filter((file) => file.endsWith(".ndjson"))
  .map((file) => file.slice(0, -".ndjson".length));

/** The value every statement of the recordings has in it. */
export const SECRET = "s3cr3t-value";

/** A recorded connection. */
export function recorded(name: string): Said[] {
  const lines = readFileSync(`${folder}${name}.ndjson`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const { by, base64 } = JSON.parse(line) as { readonly by: string; readonly base64: string };
    return { isClient: by === "client", bytes: Buffer.from(base64, "base64") };
  });
}
