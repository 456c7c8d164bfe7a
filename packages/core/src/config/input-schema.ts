// SPDX-License-Identifier: MIT

import { z } from "zod";
import type { ConfigSection } from "./section.js";

/** What documentation, help and editors want to know of a key, as JSON Schema has it. */
export interface KeySchema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  /** As users write it. */
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  /** A secret: see `isSecret`. */
  readonly writeOnly?: boolean;
}

/** JSON Schema of what users may write in a section. */
export interface SectionSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, KeySchema>>;
}

/**
 * The JSON Schema of a section's keys. zod leaves out default and examples of values it transforms, because they would have to be
 * transformed back; ours are given by `.meta()` as users write them, and so can stay.
 */
export function inputSchema({ config }: Pick<ConfigSection, "config">): SectionSchema {
  const schema = z.toJSONSchema(config, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const meta = (zodSchema as unknown as z.ZodType).meta();
      for (const word of ["default", "examples"] as const) {
        if (meta?.[word] !== undefined) jsonSchema[word] = meta[word] as never;
      }
    },
  });
  delete schema.$schema;
  return schema as unknown as SectionSchema;
}
