// SPDX-License-Identifier: MIT

import { SkepError } from "@skep/core";

/** What is wrong with bytes that are no recording. */
export function malformed(detail: string, cause?: unknown): SkepError {
  return new SkepError("SKEP_ERR_RECORDING", `malformed recording: ${detail}`, {
    hint: "it was damaged or is not a .bpfrec file of this version; record again with skep record",
    cause,
  });
}
