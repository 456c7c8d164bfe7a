// SPDX-License-Identifier: MIT

/** Type of a field as it goes over the wire. `int` is a 64-bit integer, carried as a JavaScript number below 2^53. */
export type FieldType = "int" | "float" | "string" | "bool";

/**
 * What a field's number means when points are put together: `sum` adds up over intervals and series, `mean` and `max` do not,
 * and a `dimension` says which observation it is rather than how much.
 */
export type FieldKind = "sum" | "mean" | "max" | "dimension";

export interface TagSpec<Optional extends boolean = boolean> {
  readonly description: string;
  /** An optional tag may be absent from a point. */
  readonly optional: Optional;
}

export interface FieldSpec<T extends FieldType = FieldType, Optional extends boolean = boolean> {
  readonly type: T;
  /** UCUM-like unit: `By`, `us`, `ns`, `1`. */
  readonly unit: string;
  readonly description: string;
  readonly optional: Optional;
  /** Absent: see {@link kindOf}. */
  readonly kind?: FieldKind;
}

/** The kind of a field: as declared, else counts and bytes are sums, other numbers means, and texts and booleans dimensions. */
export function kindOf({ kind, type, unit }: FieldSpec): FieldKind {
  if (kind !== undefined) return kind;
  if (type === "string" || type === "bool") return "dimension";
  return unit === "1" || unit === "By" ? "sum" : "mean";
}

/** DataKit's data category of a measurement: decides where an exporter sends it. */
export type Category = "network" | "logging" | "tracing";

export const tag = (description: string): TagSpec<false> => ({ description, optional: false });
export const optionalTag = (description: string): TagSpec<true> => ({ description, optional: true });
export const field = <T extends FieldType>(
  type: T,
  unit: string,
  description: string,
  kind?: FieldKind,
): FieldSpec<T, false> => ({ type, unit, description, optional: false, ...(kind && { kind }) });
export const optionalField = <T extends FieldType>(
  type: T,
  unit: string,
  description: string,
  kind?: FieldKind,
): FieldSpec<T, true> => ({ type, unit, description, optional: true, ...(kind && { kind }) });

export type FieldValue = number | bigint | string | boolean;

/** One observation, ready for export. */
export interface Point {
  readonly measurement: string;
  readonly category: Category;
  /** Unix time in nanoseconds. */
  readonly time: bigint;
  readonly tags: Record<string, string>;
  readonly fields: Record<string, FieldValue>;
}

type ValueOf<T extends FieldType> = T extends "int"
  ? number | bigint
  : T extends "float"
    ? number
    : T extends "bool"
      ? boolean
      : string;

type Tags<T extends Record<string, TagSpec>> = { [K in keyof T as T[K] extends TagSpec<false> ? K : never]: string } & {
  [K in keyof T as T[K] extends TagSpec<false> ? never : K]?: string | undefined;
};
type Fields<F extends Record<string, FieldSpec>> = {
  [K in keyof F as F[K] extends FieldSpec<FieldType, false> ? K : never]: ValueOf<F[K]["type"]>;
} & { [K in keyof F as F[K] extends FieldSpec<FieldType, false> ? never : K]?: ValueOf<F[K]["type"]> | undefined };

export interface MeasurementSpec<
  T extends Record<string, TagSpec> = Record<string, TagSpec>,
  F extends Record<string, FieldSpec> = Record<string, FieldSpec>,
> {
  readonly name: string;
  readonly category: Category;
  readonly description: string;
  readonly tags: T;
  readonly fields: F;
}

/**
 * A declared measurement. `point` accepts exactly the declared tags and fields: one that disagrees does not compile.
 * Undefined optional values are left out. Tags that core adds to every point (`host`, `service`, custom) need not be declared
 * as mandatory.
 */
export interface Measurement<
  T extends Record<string, TagSpec> = Record<string, TagSpec>,
  F extends Record<string, FieldSpec> = Record<string, FieldSpec>,
> extends MeasurementSpec<T, F> {
  point(time: bigint, tags: Tags<T>, fields: Fields<F>): Point;
}

/** Any measurement, for lists; its `point` cannot be called without knowing which. */
export type AnyMeasurement = MeasurementSpec;

export function defineMeasurement<const T extends Record<string, TagSpec>, const F extends Record<string, FieldSpec>>(
  spec: MeasurementSpec<T, F>,
): Measurement<T, F> {
  return Object.freeze({
    ...spec,
    point: (time: bigint, tags: Tags<T>, fields: Fields<F>): Point => ({
      measurement: spec.name,
      category: spec.category,
      time,
      tags: withoutUndefined(tags) as Record<string, string>,
      fields: withoutUndefined(fields) as Record<string, FieldValue>,
    }),
  });
}

function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key in values) if (values[key] !== undefined) kept[key] = values[key];
  return kept;
}
