// SPDX-License-Identifier: MIT
// How OpenTelemetry calls what our points say. Names that are stable come from its package; those still in development are written
// out here, as that package advises, because it may rename them in any minor version.

import {
  ATTR_CLIENT_ADDRESS,
  ATTR_CLIENT_PORT,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_LOCAL_ADDRESS,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_PROTOCOL_NAME,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
  ATTR_URL_PATH,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from "@opentelemetry/semantic-conventions";
import type { FieldValue, Point } from "@skep/core";

export type Attributes = Record<string, string | number | boolean>;

/** Tags and fields that say whose the telemetry is: attributes of the resource. The local end is the one observed. */
const resourceNames: Readonly<Record<string, string>> = {
  host: "host.name",
  service: ATTR_SERVICE_NAME,
  pid: "process.pid",
  process_name: "process.executable.name",
  src_k8s_namespace: "k8s.namespace.name",
  src_k8s_pod_name: "k8s.pod.name",
  src_k8s_service_name: "k8s.service.name",
  src_k8s_deployment_name: "k8s.deployment.name",
};

/** Tags and fields that have a name in the conventions. */
const attributeNames: Readonly<Record<string, string>> = {
  src_ip: ATTR_NETWORK_LOCAL_ADDRESS,
  src_port: ATTR_NETWORK_LOCAL_PORT,
  dst_ip: ATTR_NETWORK_PEER_ADDRESS,
  dst_port: ATTR_NETWORK_PEER_PORT,
  transport: ATTR_NETWORK_TRANSPORT,
  family: ATTR_NETWORK_TYPE,
  method: ATTR_HTTP_REQUEST_METHOD,
  path: ATTR_URL_PATH,
  status_code: ATTR_HTTP_RESPONSE_STATUS_CODE,
  http_version: ATTR_NETWORK_PROTOCOL_VERSION,
  question_name: "dns.question.name",
  user: "user.name",
  cmd: "process.command_line",
};

const numbers: ReadonlySet<string> = new Set([
  "process.pid",
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_PORT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
]);

/** What our points write where there is nothing to say, or too much. */
const nothing: ReadonlySet<FieldValue> = new Set(["", "N/A", "*"]);

/** Adds `value` under `name`, unless it says nothing. */
function put(attributes: Attributes, name: string, value: FieldValue | undefined): void {
  if (value === undefined || nothing.has(value)) return;
  if (typeof value === "bigint") attributes[name] = Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  else if (!numbers.has(name)) attributes[name] = name === ATTR_NETWORK_TYPE ? String(value).toLowerCase() : value;
  else if (Number.isFinite(Number(value))) attributes[name] = Number(value);
}

/** A point's tags and some of its fields, sorted into what OpenTelemetry asks of each. */
export interface Described {
  readonly resource: Attributes;
  readonly attributes: Attributes;
}

/**
 * Describes a point.
 * @param dimensions names of the fields that tell which rather than how much
 * @param isDeclared whether the measurement declares a tag; others are the agent's own for all points, and belong to the resource
 */
export function describe(
  { measurement, tags, fields }: Point,
  dimensions: readonly string[],
  isDeclared: (tag: string) => boolean,
): Described {
  const [resource, attributes]: [Attributes, Attributes] = [{}, {}];
  const sort = (key: string, value: FieldValue | undefined, declared: boolean) => {
    const ofResource = resourceNames[key];
    if (ofResource !== undefined) put(resource, ofResource, value);
    else if (!declared) put(resource, key, value);
    else put(attributes, attributeNames[key] ?? `skep.${key}`, value);
  };
  for (const key in tags) sort(key, tags[key], isDeclared(key));
  for (const key of dimensions) sort(key, fields[key], true);
  Object.assign(attributes, endsOf(tags), outcomeOf(measurement, tags, fields));
  return { resource, attributes };
}

/** Who is client and who server: the local end of an incoming connection serves. */
function endsOf(tags: Point["tags"]): Attributes {
  const ends: Attributes = {};
  const { direction, src_ip, src_port, dst_ip, dst_port, dst_domain } = tags;
  const port = (name: string, value: string | undefined) => {
    if (value !== undefined && /^\d+$/.test(value)) ends[name] = Number(value);
  };
  if (direction === "incoming") {
    put(ends, ATTR_SERVER_ADDRESS, src_ip);
    port(ATTR_SERVER_PORT, src_port);
    put(ends, ATTR_CLIENT_ADDRESS, dst_ip);
    port(ATTR_CLIENT_PORT, dst_port);
  } else if (direction === "outgoing") {
    put(ends, ATTR_SERVER_ADDRESS, dst_domain || dst_ip);
    port(ATTR_SERVER_PORT, dst_port);
    put(ends, ATTR_CLIENT_ADDRESS, src_ip);
    port(ATTR_CLIENT_PORT, src_port);
  }
  return ends;
}

const dnsErrors: Readonly<Record<number, string>> = {
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
};

/** Protocol, and the kind of an error where there was one. */
function outcomeOf(measurement: string, { direction }: Point["tags"], fields: Point["fields"]): Attributes {
  if (measurement === "httpflow") {
    const status = Number(fields["status_code"]);
    const failed = status === 0 || status >= (direction === "incoming" ? 500 : 400);
    const error = status === 0 ? "no_response" : String(status);
    return { [ATTR_NETWORK_PROTOCOL_NAME]: "http", ...(failed && { [ATTR_ERROR_TYPE]: error }) };
  }
  if (measurement === "dnsflow") {
    const code = Number(fields["rcode"]);
    const error = code < 0 ? "timeout" : (dnsErrors[code] ?? `rcode ${code}`);
    return { [ATTR_NETWORK_PROTOCOL_NAME]: "dns", ...(code !== 0 && { [ATTR_ERROR_TYPE]: error }) };
  }
  return {};
}

/** Fields that together are a duration in the conventions: how many, their mean and, where it is known, the longest, ns. */
export interface DurationFields {
  metric(direction: string | undefined): string;
  readonly description: string;
  readonly count: string;
  readonly mean: string;
  readonly max?: string;
}

export const durations: Readonly<Record<string, DurationFields>> = {
  httpflow: {
    metric: (direction) =>
      direction === "incoming" ? METRIC_HTTP_SERVER_REQUEST_DURATION : METRIC_HTTP_CLIENT_REQUEST_DURATION,
    description: "from the last byte of the request to the first byte of the response",
    count: "count",
    mean: "latency",
  },
  dnsflow: {
    metric: (direction) => (direction === "incoming" ? "skep.dns.server.duration" : "dns.lookup.duration"),
    description: "from the query to its answer",
    count: "count",
    mean: "latency",
    max: "latency_max",
  },
};
