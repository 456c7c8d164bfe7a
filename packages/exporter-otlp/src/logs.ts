// SPDX-License-Identifier: MIT

import { SeverityNumber } from "@opentelemetry/api-logs";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { AnyMeasurement, Point } from "@skep/core";
import { describe } from "./conventions.js";
import { Resources, scope } from "./resources.js";
import { hrTime } from "./time.js";

/** Points of category logging as log records: the event is the measurement, the body its `message`, all else attributes. */
export function logRecords(points: readonly Point[], measurements: readonly AnyMeasurement[]): ReadableLogRecord[] {
  const specs = new Map(measurements.map((measurement) => [measurement.name, measurement]));
  const resources = new Resources();
  return points.map((point) => {
    const spec = specs.get(point.measurement);
    const fields = Object.keys(point.fields).filter((field) => field !== "message");
    const { resource, attributes } = describe(point, fields, (tag) => !spec || Object.hasOwn(spec.tags, tag));
    const { message } = point.fields;
    return {
      hrTime: hrTime(point.time),
      hrTimeObserved: hrTime(point.time),
      severityNumber: SeverityNumber.INFO,
      severityText: "INFO",
      eventName: point.measurement,
      ...(message !== undefined && { body: String(message) }),
      resource: resources.of(resource),
      instrumentationScope: scope,
      attributes,
      droppedAttributesCount: 0,
    };
  });
}
