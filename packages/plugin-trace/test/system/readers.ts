// SPDX-License-Identifier: MIT

import type { Exporter, Point } from "@skep/core";
import { otlpExporters } from "@skep/exporter-otlp";
import { Linker } from "@skep/linker";
// Made of OpenTelemetry's own proto files: it knows nothing of Skep.
import {
  attributesOf,
  httpReceiver,
  type Message,
  type Receiver,
} from "../../../exporter-otlp/test/support/receiver.js";
import { type SeenSpan, telling } from "./trees.js";

/** Spans of an agent after the linker, as two readers have them. */
export interface Readings {
  readonly points: readonly SeenSpan[];
  /** As somebody at the other end of a connection reads them who knows OTLP alone. Empty unless asked for. */
  readonly otlp: readonly SeenSpan[];
}

/** Links spans as one linker does, and has them read. */
export class Readers {
  readonly #points: SeenSpan[] = [];
  readonly #waiting: Point[] = [];
  readonly #linker: Linker;

  private constructor(private readonly receiver: Receiver | undefined) {
    const collect: Exporter = { name: "collect", export: (points) => void this.#points.push(...points.map(ofPoint)) };
    const otlp = receiver && otlpExporters({ endpoint: receiver.url, signals: ["traces"], measurements: [] });
    // All of a run fits into one window: which spans belong together never depends on how fast this machine was.
    this.#linker = new Linker({ exporters: [collect, ...(otlp ?? [])], windowMs: 3_600_000 });
  }

  /** @param otlp whether there is a reader of OTLP too, which takes its time and memory */
  static async open({ otlp }: { readonly otlp: boolean }): Promise<Readers> {
    return new Readers(otlp ? await httpReceiver() : undefined);
  }

  add(span: Point): void {
    if (this.#waiting.push(span) >= 512) this.#receive();
  }

  /** What was added is linked and read; nothing can be added any more. @throws Error when the linker did not take a span */
  async read(): Promise<Readings> {
    this.#receive();
    await this.#linker.flush();
    const { invalid, refused } = this.#linker.status();
    await this.close();
    if (invalid + refused > 0) throw new Error(`the linker did not take ${invalid} invalid and ${refused} other spans`);
    return { points: this.#points, otlp: this.receiver?.received.flatMap(({ message }) => ofOtlp(message)) ?? [] };
  }

  async close(): Promise<void> {
    await this.#linker.close();
    this.receiver?.close();
  }

  #receive(): void {
    this.#linker.receive(this.#waiting.splice(0));
  }
}

/** The few fields that are looked at: a run has hundreds of thousands of spans. */
const looked = (fields: Readonly<Record<string, unknown>>, direction: unknown) =>
  Object.fromEntries([...telling.map((field) => [field, fields[field]] as const), ["direction", direction]]);

const ofPoint = ({ fields }: Point): SeenSpan => ({
  traceId: String(fields["trace_id"]),
  spanId: String(fields["span_id"]),
  parentSpanId: fields["parent_id"] === "0" ? undefined : String(fields["parent_id"]),
  fields: looked(fields, fields["direction"]),
});

/** Nothing but what OTLP has members for says how spans belong together: ids are bytes, the direction is the kind. */
function ofOtlp(message: Message): SeenSpan[] {
  const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
  const resources = message["resourceSpans"] as { scopeSpans: { spans: Message[] }[] }[];
  return resources
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map((span) => ({
      traceId: hex(span["traceId"]),
      spanId: hex(span["spanId"]),
      parentSpanId: hex(span["parentSpanId"]) || undefined,
      fields: looked(
        { ...attributesOf(span["attributes"]), resource: span["name"] },
        span["kind"] === "SPAN_KIND_CLIENT" ? "outgoing" : "incoming",
      ),
    }));
}
