// SPDX-License-Identifier: MIT

import { messageOf } from "@skep/core";
import { ApiError } from "./api-error.js";

/** What to do about an HTTP status. */
const mends: ReadonlyMap<number, string> = new Map([
  [401, "see bearer_token"],
  [403, "its role must allow to list and watch them"],
]);

/** How OpenSSL and Node call a certificate that does not lead to a known CA. */
const untrusted =
  /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|CERT_(UNTRUSTED|SIGNATURE_FAILURE))/;

/** Why a request failed, in words for whoever runs the agent, with the mend where there is one. */
export function explain(error: unknown): string {
  // Both families were tried: the aggregate itself says nothing.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(explain))].join(", ");
  }
  const message = messageOf(error) || "failed";
  const mend = error instanceof ApiError ? mends.get(error.code) : mendOf(error);
  return mend === undefined ? message : `${message} (${mend})`;
}

function mendOf(error: unknown): string | undefined {
  return untrusted.test(String((error as NodeJS.ErrnoException).code)) ? "see kubernetes_ca" : undefined;
}
