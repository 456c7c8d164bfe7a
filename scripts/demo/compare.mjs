// SPDX-License-Identifier: MIT
import { isCheckout, picture, Traces } from "./trees.mjs";

/** What tells the demo's rows of a measurement apart, and what is counted in them. */
const shapes = {
  netflow: {
    identity: ["pid", "transport", "family", "direction", "dst_nat_ip", "dst_nat_port"],
    counters: ["bytes_read", "bytes_written", "tcp_established", "tcp_closed"],
  },
  httpflow: {
    identity: ["pid", "family", "direction", "method", "path", "status_code", "dst_nat_ip", "dst_nat_port"],
    counters: ["count", "bytes_read", "bytes_written"],
  },
  dnsflow: { identity: ["pid", "transport", "family", "direction", "rcode"], counters: ["count"] },
  // Counted by tree, not by span: see Seen.trees.
  dketrace: { identity: ["tree"], counters: ["count"] },
  // A point is one command.
  bash: { identity: ["cmd"], counters: ["count"] },
};

const keyOf = (measurement, values) =>
  [measurement, ...shapes[measurement].identity.map((name) => values[name])].join(" ");

/** Sums points in the shape of the demo's own rows: what Skep saw. */
export class Seen {
  #rows = new Map();
  #traces = new Traces();

  /** @param {import("@skep/core").Point} point */
  add(point) {
    this.#traces.add(point);
    const { category, measurement, tags, fields } = point;
    if (category === "tracing" || !(measurement in shapes)) return;
    const { counters } = shapes[measurement];
    const key = keyOf(measurement, { ...fields, ...tags });
    const row = this.#rows.get(key) ?? Object.fromEntries(counters.map((name) => [name, 0]));
    for (const name of counters) row[name] += Number(fields[name] ?? (measurement === "bash" ? 1 : 0));
    this.#rows.set(key, row);
  }

  /** Looks at all spans once there are no more. @returns {string | undefined} a picture of the last whole tree, or of any */
  drawTree() {
    const trees = this.#traces.trees();
    const whole = trees.filter(isCheckout);
    if (trees.length > 0) this.#rows.set(keyOf("dketrace", { tree: "whole call trees" }), { count: whole.length });
    const shown = whole.at(-1) ?? trees.at(-1);
    return shown && picture(shown);
  }

  /** @param {object} truth a row of the demo */
  of({ measurement, identity }) {
    return this.#rows.get(keyOf(measurement, identity));
  }

  get size() {
    return this.#rows.size;
  }
}

/** `GET /shop/cart 200 incoming`: the row in words. */
function describe({ identity }) {
  const { pid: _pid, dst_nat_ip: ip, dst_nat_port: port, ...rest } = identity;
  const words = Object.entries(rest).map(([name, value]) => (name === "rcode" ? `rcode ${value}` : value));
  if (ip !== undefined && ip !== "N/A") words.push(`to ${ip}:${port}`);
  return words.join(" ");
}

/**
 * Compares what the demo did with what was seen.
 * @returns {{ text: string, agrees: boolean }}
 */
export function compare(truth, seen) {
  const header = ["process", "measurement", "traffic", "by its own count", "seen by Skep"];
  const rows = truth.map((row) => {
    const other = seen.of(row);
    const names = Object.keys(row.counters);
    const wrong = names.filter((name) => (other?.[name] ?? 0) !== row.counters[name]);
    const verdict = wrong.map((name) => `${name} ${other?.[name] ?? "nothing"} instead of ${row.counters[name]}`);
    const own = names.map((name) => `${row.counters[name]} ${name.replace("tcp_", "").replace("_", " ")}`).join(", ");
    return {
      agrees: wrong.length === 0,
      cells: [row.process, row.measurement, describe(row), own, verdict.join(", ") || "exactly that"],
    };
  });
  // A row that the demo knows nothing of would be somebody else's: the scope would leak.
  const strangers = seen.size - truth.filter((row) => seen.of(row) !== undefined).length;
  const table = [header, ...rows.map(({ cells }) => cells)];
  const widths = header.map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  if (strangers > 0) lines.push(`and ${strangers} rows that are not the demo's`);
  return { text: lines.join("\n"), agrees: strangers === 0 && rows.every(({ agrees }) => agrees) };
}
