// SPDX-License-Identifier: MIT

import { type HrTime, ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { type AnyMeasurement, type FieldSpec, kindOf, type Point } from "@skep/core";
import { type Attributes, describe, type DurationFields, durations } from "./conventions.js";
import { Resources, scope } from "./resources.js";
import { hrTime } from "./time.js";

/** UCUM unit of our field -> the one that OpenTelemetry wants, and how many of it one of ours is. */
const units: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  ns: ["s", 1e-9],
  us: ["s", 1e-6],
  ms: ["s", 1e-3],
};

/** Turns points of measurements into OTLP metrics: sums as deltas, other numbers as gauges, durations as histograms. */
export class MetricRequests {
  readonly #specs: ReadonlyMap<string, AnyMeasurement>;

  /** @param intervalNs the time a point stands for */
  constructor(
    measurements: readonly AnyMeasurement[],
    private readonly intervalNs: bigint,
  ) {
    this.#specs = new Map(measurements.map((measurement) => [measurement.name, measurement]));
  }

  /** One `ResourceMetrics` for each resource. */
  of(points: readonly Point[]): ResourceMetrics[] {
    const resources = new Resources();
    const groups = new Map<Resource, Map<string, Metric>>();
    for (const point of points) this.#add(point, resources, groups);
    return [...groups].map(([resource, metrics]) => ({
      resource,
      scopeMetrics: [{ scope, metrics: [...metrics.values()].map(({ data }) => data) }],
    }));
  }

  #add(point: Point, resources: Resources, groups: Map<Resource, Map<string, Metric>>): void {
    const spec = this.#specs.get(point.measurement);
    const fields = spec?.fields ?? guessFields(point);
    const dimensions = Object.keys(fields).filter((field) => kindOf(fields[field]!) === "dimension");
    const isDeclared = (tag: string) => spec === undefined || Object.hasOwn(spec.tags, tag);
    const { resource: about, attributes } = describe(point, dimensions, isDeclared);
    const resource = resources.of(about);
    let metrics = groups.get(resource);
    if (metrics === undefined) groups.set(resource, (metrics = new Map()));

    const times = { startTime: hrTime(point.time - this.intervalNs), endTime: hrTime(point.time) };
    const duration = durations[point.measurement];
    for (const [field, fieldSpec] of Object.entries(fields)) {
      const value = point.fields[field];
      if (typeof value !== "number" && typeof value !== "bigint") continue;
      if (dimensions.includes(field) || field === duration?.mean || field === duration?.max) continue;
      addNumber(metrics, `skep.${point.measurement}.${field}`, fieldSpec, Number(value), times, attributes);
    }
    if (duration !== undefined) addDuration(metrics, duration, point, times, attributes);
  }
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** A metric that is being filled. */
interface Metric {
  readonly data: MetricData;
  readonly points: DataPoint<number>[] | DataPoint<Histogram>[];
}

function addNumber(
  metrics: Map<string, Metric>,
  name: string,
  spec: FieldSpec,
  value: number,
  times: Times,
  attributes: Attributes,
): void {
  if (!Number.isFinite(value)) return;
  const [unit, factor] = units[spec.unit] ?? [spec.unit, 1];
  const isSum = kindOf(spec) === "sum";
  let metric = metrics.get(name);
  if (metric === undefined) {
    const dataPoints: DataPoint<number>[] = [];
    const valueType = factor === 1 && spec.type === "int" ? ValueType.INT : ValueType.DOUBLE;
    const common = {
      descriptor: { name, description: spec.description, unit, valueType },
      aggregationTemporality: AggregationTemporality.DELTA,
      dataPoints,
    };
    const data: MetricData = isSum
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true }
      : { ...common, dataPointType: DataPointType.GAUGE };
    metrics.set(name, (metric = { data, points: dataPoints }));
  }
  (metric.points as DataPoint<number>[]).push({ ...times, attributes, value: value * factor });
}

/** Mean and count make a sum, which is what a histogram without buckets tells. Exchanges without an answer took no time. */
function addDuration(
  metrics: Map<string, Metric>,
  { metric: nameOf, description, count: countField, mean: meanField, max: maxField }: DurationFields,
  { fields, tags }: Point,
  times: Times,
  attributes: Attributes,
): void {
  const [count, mean] = [Number(fields[countField]), Number(fields[meanField])];
  if (!(count > 0 && mean > 0)) return;
  const name = nameOf(tags["direction"]);
  let metric = metrics.get(name);
  if (metric === undefined) {
    const dataPoints: DataPoint<Histogram>[] = [];
    const data: MetricData = {
      descriptor: { name, description, unit: "s", valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.DELTA,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints,
    };
    metrics.set(name, (metric = { data, points: dataPoints }));
  }
  const max = maxField === undefined ? NaN : Number(fields[maxField]);
  const value: Histogram = {
    buckets: { boundaries: [], counts: [count] },
    count,
    sum: count * mean * 1e-9,
    ...(max > 0 && { max: max * 1e-9 }),
  };
  (metric.points as DataPoint<Histogram>[]).push({ ...times, attributes, value });
}

/** Of a measurement that nobody declared: numbers are gauges. */
const guessFields = ({ fields }: Point): Record<string, FieldSpec> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, FieldSpec] => {
      const number = typeof value === "number" || typeof value === "bigint";
      const type = number ? "float" : "string";
      return [name, { type, unit: "", description: "", optional: true, kind: number ? "mean" : "dimension" }];
    }),
  );
