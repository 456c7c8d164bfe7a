// SPDX-License-Identifier: MIT

import { toPlain } from "./plain-value.js";

/** What a service was asked, as the key of its answer. */
export const questionTo = (service: string, method: string, parameters: readonly unknown[]): string =>
  `${service}.${method} ${JSON.stringify(toPlain(parameters))}`;
