// SPDX-License-Identifier: MIT

import { messageOf } from "@skep/core";
import { ApiError } from "./api-error.js";

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
  if (error instanceof ApiError) {
    if (error.code === 401) return `${message} (see bearer_token)`;
    // Each resource is refused in words of its own; in the same words, they are one trouble.
    if (error.code === 403) return `HTTP 403: ${userIn(message)} may not list and watch them (see deploy/)`;
  }
  const isUntrusted = untrusted.test(String((error as NodeJS.ErrnoException).code));
  return isUntrusted ? `${message} (see kubernetes_ca)` : message;
}

/** `pods is forbidden: User "system:serviceaccount:skep:skep" cannot list resource "pods"...` */
const userIn = (message: string): string => /User "[^"]*"/.exec(message)?.[0] ?? "this token's user";
