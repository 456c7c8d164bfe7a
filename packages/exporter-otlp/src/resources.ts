// SPDX-License-Identifier: MIT

import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { Attributes } from "./conventions.js";

/** Who made this telemetry, to a reader of it. */
export const scope = { name: "skep" } as const;

/** One resource for equal attributes within a request: the serializers group by identity. */
export class Resources {
  readonly #known = new Map<string, Resource>();

  of(attributes: Attributes): Resource {
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    let resource = this.#known.get(key);
    if (resource === undefined) this.#known.set(key, (resource = resourceFromAttributes(attributes)));
    return resource;
  }
}
