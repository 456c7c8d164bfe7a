// SPDX-License-Identifier: MIT

import { SkepError } from "../errors.js";
import { didYouMean } from "../internal/near.js";

/** The error for a name that means no plugin. `known` are the names that would have been right. */
export function unknownPlugin(name: string, known: readonly string[], looked?: readonly string[]): SkepError {
  const where = looked === undefined ? "" : ` nor installed as ${looked.join(" or ")}`;
  const builtIn = known.length === 0 ? "" : `; built in are ${known.join(", ")}`;
  return new SkepError(
    "SKEP_ERR_PLUGIN_UNKNOWN",
    `plugin ${name} is ${looked === undefined ? "not" : "neither"} built in${where}${builtIn}`,
    {
      plugin: name,
      hint: didYouMean(name, known) ?? (looked === undefined ? "check enabled_plugins" : `npm install ${looked[0]}`),
    },
  );
}
