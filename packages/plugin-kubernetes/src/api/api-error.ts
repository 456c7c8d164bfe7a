// SPDX-License-Identifier: MIT

/** An answer of the API server that is not what was asked for: a `Status` object, by HTTP status or as a watch event. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** As in HTTP: 401, 403, 410... */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  /** The version asked for has left the server's memory: only a list helps. */
  get isGone(): boolean {
    return this.code === 410;
  }
}
