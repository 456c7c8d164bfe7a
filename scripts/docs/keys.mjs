// SPDX-License-Identifier: MIT
// The keys of the configuration as their schemas tell them.
import { flagOf, inputSchema, otherNames, variableOf } from "../../packages/core/dist/index.js";

/** Keys of a section with all their names. */
export const keysOf = (section) =>
  Object.entries(inputSchema(section).properties ?? {}).map(([key, schema]) => ({
    key,
    schema,
    flag: `--${flagOf(key)}`,
    variable: variableOf(key),
    others: [
      ...otherNames(key).flags.map((flag) => `--${flag}`),
      ...otherNames(key).variables,
      ...Object.keys(section.env ?? {}).filter((variable) => section.env[variable] === key),
    ],
  }));
