// SPDX-License-Identifier: MIT

import { errorCodes, SkepError } from "../errors.js";

/** What a thrown value says, whatever was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** Recognised by shape: the error may come from another copy of core. */
export function isSkepError(thrown: unknown): thrown is SkepError {
  return thrown instanceof Error && thrown.name === "SkepError" && (thrown as SkepError).code in errorCodes;
}

/** The same failure as a SkepError that names plugin and phase. A code the plugin or backend chose is kept. */
export function attribute(thrown: unknown, plugin: string, phase: string): SkepError {
  if (!isSkepError(thrown)) {
    const message = `plugin ${plugin} threw in ${phase}: ${messageOf(thrown)}`;
    return new SkepError("SKEP_ERR_PLUGIN_FAILED", message, { plugin, phase, cause: thrown });
  }
  if (thrown.plugin !== undefined && thrown.phase !== undefined) return thrown;
  const message = thrown.plugin !== undefined ? thrown.message : `plugin ${plugin}: ${thrown.message}`;
  return new SkepError(thrown.code, message, {
    plugin,
    phase: thrown.phase ?? phase,
    ...(thrown.hint !== undefined && { hint: thrown.hint }),
    cause: thrown.cause ?? thrown,
  });
}

const permanent: ReadonlySet<string> = new Set([
  "SKEP_ERR_CONFIG",
  "SKEP_ERR_PLUGIN_API",
  "SKEP_ERR_PLUGIN_SHAPE",
  "SKEP_ERR_SERVICE_UNDECLARED",
  "SKEP_ERR_BACKEND_UNAVAILABLE",
  "SKEP_ERR_PERMISSION",
  "SKEP_ERR_BTF_MISSING",
  "SKEP_ERR_CGROUP2_MISSING",
  "SKEP_ERR_OBJECT",
  "SKEP_ERR_MUTATION",
  "SKEP_ERR_PROBES",
  "SKEP_ERR_LAYOUT",
]);

/** True for failures that trying again cannot mend: what is wrong lies in the host, the package or the configuration. */
export const isPermanent = (error: SkepError): boolean => permanent.has(error.code);
