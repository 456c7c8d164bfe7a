// SPDX-License-Identifier: MIT

import { addHeader, type Headers, NO_HEADERS, type WantedHeaders } from "../wanted-headers.js";

/** How a message goes on behind its head, as far as the head itself tells (RFC 9112, section 6). */
export interface Head {
  /** Content-Length; -1 without, NaN when it is none or several that differ. */
  readonly contentLength: number;
  /** There is a Transfer-Encoding, and its last coding is `chunked` or not. */
  readonly coding: "none" | "chunked" | "other";
  /** Value of Upgrade, lower case. */
  readonly upgrade: string;
  /** Those that are wanted. */
  readonly headers: Headers;
}

/** Exact as a number. */
const LENGTH = /^\d{1,15}$/;

/** First characters of the names that matter, and white space, which continues the line before. */
const TELLING: ReadonlySet<number> = new Set(Buffer.from("cCtTuU \t"));

/** Reads the header lines of one message that matter here, one by one. Everything else is never kept. */
export class HeadReader {
  #contentLength = -1;
  #codings = "";
  #upgrade = "";
  /** Name of the header whose line may be continued by the next one. */
  #name = "";
  #headers: Map<string, string> | undefined;

  constructor(private readonly wanted: WantedHeaders) {}

  /** Whether a header line that begins with this byte may matter. */
  mayMatter(first: number): boolean {
    return TELLING.has(first) || this.wanted.mayBegin(first);
  }

  /** A header line without its end, or the beginning of a very long one. One that does not matter may be given as nothing. */
  line(text: string): void {
    const first = text.charCodeAt(0);
    // A line that begins with white space continues the one before (obs-fold).
    if (first === 32 || first === 9) return this.#value(text.trim(), true);
    const colon = text.indexOf(":");
    this.#name = colon < 0 ? "" : text.slice(0, colon).trimEnd().toLowerCase();
    this.#value(text.slice(colon + 1).trim(), false);
  }

  /** What was read; the next line is of another message. */
  take(): Head {
    const head: Head = {
      contentLength: this.#contentLength,
      coding: this.#codings === "" ? "none" : lastCoding(this.#codings),
      upgrade: this.#upgrade.toLowerCase(),
      headers: this.#headers ?? NO_HEADERS,
    };
    this.#headers = undefined;
    this.#contentLength = -1;
    this.#codings = this.#upgrade = this.#name = "";
    return head;
  }

  #value(value: string, continued: boolean): void {
    switch (this.#name) {
      case "content-length":
        if (value !== "" || !continued) this.#lengths(value);
        break;
      case "transfer-encoding":
        this.#codings = joined(this.#codings, value, continued ? " " : ",");
        break;
      case "upgrade":
        this.#upgrade = joined(this.#upgrade, value, ",");
    }
    if (this.wanted.has(this.#name)) addHeader((this.#headers ??= new Map()), this.#name, value, continued ? " " : ",");
  }

  /** Several equal lengths are one. */
  #lengths(value: string): void {
    const texts = LENGTH.test(value) ? [value] : value.split(",").map((text) => text.trim());
    for (const text of texts) {
      const length = LENGTH.test(text) ? Number(text) : NaN;
      this.#contentLength = this.#contentLength === -1 || this.#contentLength === length ? length : NaN;
    }
  }
}

function lastCoding(codings: string): Head["coding"] {
  const last = codings
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "")
    .at(-1);
  return last === undefined ? "none" : last === "chunked" ? "chunked" : "other";
}

/** Values as one list, which does not grow for ever. */
const joined = (before: string, value: string, separator: string): string =>
  (before === "" ? value : before + separator + value).slice(0, 256);
