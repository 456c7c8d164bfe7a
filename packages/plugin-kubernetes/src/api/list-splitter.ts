// SPDX-License-Identifier: MIT

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const ITEMS = Buffer.from("items");
/** Between the brackets of `{ "items": [ ] }`. */
const ITEMS_DEPTH = 2;

/** What a list says besides its items. */
export interface ListEnvelope {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/**
 * Takes the items out of a list while it arrives, each as its own JSON text. A list of ten thousand pods is a hundred
 * megabytes, and asking for it in pages would pass by the API server's cache: so it is asked for whole, and only one item of it
 * is ever in memory.
 */
export class ListSplitter {
  /** The list without its items. */
  readonly #envelope: Buffer[] = [];
  /** What has arrived of the present item. */
  #item: Buffer[] = [];
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inItems = false;
  /** The beginning of the last string at the list's own level: before a bracket, that is the key. */
  readonly #key = Buffer.alloc(ITEMS.length + 1);
  #keyLength = 0;

  constructor(private readonly onItem: (json: string) => void) {}

  /** hot: each byte of each list. */
  push(chunk: Buffer): void {
    /** Since here the chunk belongs to the present item, to nothing (between items) or to the envelope. */
    let begin = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        else if (this.#depth === 1 && this.#keyLength < this.#key.length) this.#key[this.#keyLength++] = byte;
      } else if (byte === QUOTE) {
        this.#inString = true;
        if (this.#depth === 1) this.#keyLength = 0;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#isBetweenItems()) begin = at;
        this.#depth++;
        if (byte === OPEN_BRACKET && this.#depth === ITEMS_DEPTH && this.#isItemsKey()) {
          this.#inItems = true;
          this.#envelope.push(Buffer.from(chunk.subarray(begin, at + 1)));
          begin = at + 1;
        }
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (this.#isBetweenItems()) {
          this.#inItems = false;
          begin = at;
        }
        this.#depth--;
        if (this.#isBetweenItems()) {
          this.#item.push(chunk.subarray(begin, at + 1));
          begin = at + 1;
          this.onItem(Buffer.concat(this.#item).toString());
          this.#item = [];
        }
      }
    }
    if (this.#isBetweenItems()) return;
    // A copy: the chunk is the socket's.
    (this.#inItems ? this.#item : this.#envelope).push(Buffer.from(chunk.subarray(begin)));
  }

  /** @throws SyntaxError when the list is no JSON or has not arrived whole */
  end(): ListEnvelope {
    return JSON.parse(Buffer.concat(this.#envelope).toString()) as ListEnvelope;
  }

  #isBetweenItems(): boolean {
    return this.#inItems && this.#depth === ITEMS_DEPTH;
  }

  #isItemsKey(): boolean {
    return this.#key.subarray(0, this.#keyLength).equals(ITEMS);
  }
}
