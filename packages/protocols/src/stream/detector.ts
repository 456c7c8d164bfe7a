// SPDX-License-Identifier: MIT

import type { Decoder, Side } from "../decoder.js";

/** What a conversation turned out to be. */
export interface Detected {
  /** Who says what was given: a client's first bytes are of {@link Side.REQUESTS}. */
  readonly side: Side;
  /** Gets everything both ends have said, those bytes too. */
  readonly decoder: Decoder;
}

/**
 * Tells what a conversation is by what one of its ends says first, or, in one that was joined in its middle (`isMidway`), by
 * what one end says behind a pause. `more`: so few bytes may be anything. Undefined: nothing that is known.
 */
export type Detector = (opening: Uint8Array, isMidway: boolean) => Detected | "more" | undefined;
