// SPDX-License-Identifier: MIT

import { type AnyMeasurement, type FieldSpec, kindOf, type Point } from "@skep/core";
import { Counter, Gauge, type LabelValues, type Registry } from "prom-client";
import { LabelSets } from "./series.js";

/** Prometheus's base units: what a unit is called and how many of them one of ours is. */
const baseUnits: Readonly<Record<string, { readonly suffix: string; readonly factor: number }>> = {
  By: { suffix: "bytes", factor: 1 },
  ns: { suffix: "seconds", factor: 1e-9 },
  us: { suffix: "seconds", factor: 1e-6 },
  ms: { suffix: "seconds", factor: 1e-3 },
  s: { suffix: "seconds", factor: 1 },
};

interface Series {
  readonly field: string;
  set(labels: LabelValues<string>, value: number): void;
  readonly metric: Counter | Gauge;
}

export interface MeasurementMetricsOptions {
  readonly registry: Registry;
  /** Tags that do not become labels. */
  readonly without: ReadonlySet<string>;
  readonly maxSeries: number;
  readonly staleMs: number;
}

/**
 * The metrics of one measurement: a counter for each field that adds up, a gauge for each that does not, with the tags and the
 * fields that say which as labels.
 */
export class MeasurementMetrics {
  readonly labels: LabelSets;
  readonly #labelNames: readonly string[];
  readonly #series: readonly Series[];

  constructor(
    { name, tags, fields }: AnyMeasurement,
    { registry, without, maxSeries, staleMs }: MeasurementMetricsOptions,
  ) {
    const dimensions = Object.keys(fields).filter((field) => kindOf(fields[field]!) === "dimension");
    this.#labelNames = [...new Set([...Object.keys(tags), "host", "service", ...dimensions])].filter(
      (label) => !without.has(label),
    );
    this.#series = Object.entries(fields)
      .filter(([, spec]) => kindOf(spec) !== "dimension")
      .map(([field, spec]) => seriesOf(name, field, spec, this.#labelNames, registry));
    this.labels = new LabelSets(
      this.#labelNames,
      this.#series.map(({ metric }) => metric),
      { maxSeries, staleMs },
    );
  }

  /** Takes a point in. False when it found no room and went to the overflow series. */
  add({ tags, fields }: Point, nowMs: number): boolean {
    const values = this.#labelNames.map((label) => String(tags[label] ?? fields[label] ?? ""));
    const { labels, own } = this.labels.admit(values, nowMs);
    for (const { field, set } of this.#series) {
      const value = Number(fields[field] ?? NaN);
      if (Number.isFinite(value)) set(labels, value);
    }
    return own;
  }
}

function seriesOf(
  measurement: string,
  field: string,
  spec: FieldSpec,
  labelNames: readonly string[],
  registry: Registry,
): Series {
  const { suffix, factor } = baseUnits[spec.unit] ?? { suffix: "", factor: 1 };
  const unit = suffix === "" || field.split("_").includes(suffix) ? "" : `_${suffix}`;
  const base = `skep_${measurement}_${field}${unit}`.replace(/[^a-zA-Z0-9_]/g, "_");
  const configuration = { help: spec.description, labelNames: [...labelNames], registers: [registry] };
  if (kindOf(spec) === "sum") {
    const metric = new Counter({ ...configuration, name: `${base}_total` });
    return { field, metric, set: (labels, value) => metric.inc(labels, Math.max(0, value) * factor) };
  }
  const metric = new Gauge({ ...configuration, name: base });
  return { field, metric, set: (labels, value) => metric.set(labels, value * factor) };
}
