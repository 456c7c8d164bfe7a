// SPDX-License-Identifier: MIT
// Call trees from linked spans, and how they look.
import { requestTo, services, visitor } from "./checkout.mjs";

/** @typedef {{ service: string, span: object, calls: Node[] }} Node a span; those of the other end of a call are one with it */

/** Spans of checkouts, by trace. */
export class Traces {
  #spans = new Map();

  /** @param {import("@skep/core").Point} point */
  add({ category, fields }) {
    if (category !== "tracing") return;
    const spans = this.#spans.get(fields.trace_id) ?? [];
    this.#spans.set(fields.trace_id, [...spans, fields]);
  }

  /** Every trace as a tree: its roots, which is one when nothing is missing. */
  trees() {
    return [...this.#spans.values()].map((spans) => {
      const ids = new Set(spans.map(({ span_id }) => span_id));
      const below = (parent) =>
        spans
          .filter((span) => (parent === undefined ? !ids.has(span.parent_id) : span.parent_id === parent))
          .sort((one, other) => Number(one.start) - Number(other.start))
          .map((span) => ({ span, calls: below(span.span_id) }));
      return below(undefined);
    });
  }
}

/** `GET /stock by stock 200`: what is compared. */
const words = ({ service, direction, resource, http_status_code: status }) =>
  `${service} ${direction === "outgoing" ? "asks" : "serves"} ${resource} ${status}`;

const shapeOf = ({ span, calls }) => `${words(span)} (${calls.map(shapeOf).join(", ")})`;

/** The tree that every checkout is, in the same words. */
function trueShape(name = visitor.name) {
  const { asks } = services[name] ?? visitor;
  return asks
    .map((asked) => {
      const { method, path } = requestTo(asked);
      const span = { resource: `${method} ${path}`, http_status_code: "200" };
      const served = `${words({ ...span, service: asked, direction: "incoming" })} (${trueShape(asked)})`;
      return `${words({ ...span, service: name, direction: "outgoing" })} (${served})`;
    })
    .join(", ");
}

/** Whether a trace is exactly what a checkout is. */
export const isCheckout = (roots) => roots.map(shapeOf).join(", ") === trueShape();

const milliseconds = ({ duration }) => `${(Number(duration) / 1000).toFixed(1)} ms`;

/**
 * A tree as indented text. A call is one line: who was asked, for what, with which status, how long the caller waited and, where the
 * other end was seen, how long it took there.
 */
export function picture(roots) {
  const lines = [];
  const draw = (node, lead, branch) => {
    const { span, calls } = node;
    // The other end of a call has nothing of its own to show.
    const served = span.direction === "outgoing" && calls.length === 1 ? calls[0] : node;
    const times =
      served === node ? [milliseconds(span)] : [milliseconds(span), `${milliseconds(served.span)} of it there`];
    const who = `${lead}${branch}${served.span.service}`;
    lines.push([who, span.resource, span.http_status_code ?? "no answer", ...times]);
    const indent = lead + { "": "", "├─ ": "│  ", "└─ ": "   " }[branch];
    served.calls.forEach((call, index) => draw(call, indent, index < served.calls.length - 1 ? "├─ " : "└─ "));
  };
  for (const root of roots) {
    lines.push([root.span.direction === "outgoing" ? root.span.service : "somebody"]);
    draw(root, "", "└─ ");
  }
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
