// SPDX-License-Identifier: MIT
// Modules to be imported by the contract suite's check for side effects.
import { readFileSync } from "node:fs";
import { z } from "zod";

export const schema = z.strictObject({});
/** Reading happens only when asked. */
export const read = (path: string): Buffer => readFileSync(path);
