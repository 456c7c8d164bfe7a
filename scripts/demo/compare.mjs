// SPDX-License-Identifier: MIT

const counters = ["bytes_read", "bytes_written", "tcp_established", "tcp_closed"];
const identity = ({ pid, transport, family, direction }) => [pid, transport, family, direction].join(" ");

/** Sums netflow points per process, protocol and direction: what Skep saw, in the shape of the demo's own rows. */
export class Seen {
  #rows = new Map();

  /** @param {import("@skep/core").Point} point */
  add({ measurement, tags, fields }) {
    if (measurement !== "netflow") return;
    const row = this.#rows.get(identity(tags)) ?? Object.fromEntries(counters.map((name) => [name, 0]));
    for (const name of counters) row[name] += Number(fields[name] ?? 0);
    this.#rows.set(identity(tags), row);
  }

  /** @param {object} truth a row of the demo */
  of(truth) {
    return this.#rows.get(identity(truth));
  }

  get size() {
    return this.#rows.size;
  }
}

/**
 * Compares what the demo did with what was seen.
 * @returns {{ text: string, agrees: boolean }}
 */
export function compare(truth, seen) {
  const header = ["process", "traffic", "bytes read", "bytes written", "connections", "seen by Skep"];
  const rows = truth.map((row) => {
    const other = seen.of(row);
    const wrong = counters.filter((name) => (other?.[name] ?? 0) !== row[name]);
    const verdict = wrong.map((name) => `${name} ${other?.[name] ?? "nothing"} instead of ${row[name]}`).join(", ");
    return {
      agrees: wrong.length === 0,
      cells: [
        row.process,
        `${row.transport} ${row.family} ${row.direction}`,
        String(row.bytes_read),
        String(row.bytes_written),
        row.transport === "tcp" ? `${row.tcp_established} opened, ${row.tcp_closed} closed` : "",
        wrong.length === 0 ? "exactly that" : verdict,
      ],
    };
  });
  // A flow that the demo knows nothing of would be somebody else's: the scope would leak.
  const strangers = seen.size - truth.filter((row) => seen.of(row) !== undefined).length;
  const table = [header, ...rows.map(({ cells }) => cells)];
  const widths = header.map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
  if (strangers > 0) lines.push(`and ${strangers} flows that are not the demo's`);
  return { text: lines.join("\n"), agrees: strangers === 0 && rows.every(({ agrees }) => agrees) };
}
