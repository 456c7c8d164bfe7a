// SPDX-License-Identifier: MIT

import type { ApiObject } from "./objects.js";

/** One kind of object in all namespaces, as the API names it. */
export interface Resource {
  /** For people: `pods`. */
  readonly name: string;
  /** `/api/v1/pods`. */
  readonly path: string;
  /** True: only `metadata` is wanted, and the server sends no more. */
  readonly metadataOnly?: boolean;
}

/** Who is told of every object of a resource, in the order of the changes. */
export interface Sink<T extends ApiObject = ApiObject> {
  /** An object is there, or has changed. */
  put(key: string, object: T): void;
  remove(key: string): void;
  /** Keys of all objects that are there: after a break, what the server no longer lists is removed. */
  keys(): Iterable<string>;
}

/** `namespace/name`: one object at a time goes by it. */
export const keyOf = ({ namespace = "", name = "" }: { readonly namespace?: string; readonly name?: string }): string =>
  `${namespace}/${name}`;

/** What to accept: the whole objects, or, where the server knows how, their metadata. */
export function accept({ metadataOnly }: Resource, kind: "list" | "watch"): string {
  if (!metadataOnly) return "application/json";
  const as = kind === "list" ? "PartialObjectMetadataList" : "PartialObjectMetadata";
  return `application/json;as=${as};g=meta.k8s.io;v=v1,application/json`;
}
