// SPDX-License-Identifier: MIT

import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";

/** A request that cannot be served, and the HTTP status that says why. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

const decompressors = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/**
 * The body of a request, unpacked.
 * @param limit most bytes, packed or not
 * @throws HttpError 413 when it is longer, 415 for an encoding nobody here knows, 400 when it does not unpack
 */
export async function bodyOf(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const tooLong = () => new HttpError(413, `a body may have ${limit} bytes`, { connection: "close" });
  const decompress = Object.hasOwn(decompressors, encoding) ? decompressors[encoding as "gzip"] : undefined;
  if (decompress === undefined && encoding !== "identity") throw new HttpError(415, `content-encoding ${encoding}`);

  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    if ((length += part.length) > limit) throw tooLong();
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  if (decompress === undefined) return body;
  try {
    return await decompress(body, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong();
    throw new HttpError(400, `the body is not ${encoding}`);
  }
}
