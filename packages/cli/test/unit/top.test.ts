// SPDX-License-Identifier: MIT
import type { Point } from "@skep/core";
import test from "ava";
import fc from "fast-check";
import stringWidth from "string-width";
import { TopModel } from "../../src/top/model.js";
import { render, type ScreenShape } from "../../src/top/render.js";
import { initialState, press, type TopState } from "../../src/top/state.js";
import { views } from "../../src/top/views.js";

const [connections, requests] = views;
const plain = (columns: number, rows: number): ScreenShape => {
  const same = (text: string) => text;
  return { columns, rows, bold: same, inverse: same, dim: same };
};

const flow = (process: string, read: number, peer = "192.0.2.1"): Point => ({
  measurement: "netflow",
  category: "network",
  time: 0n,
  tags: {
    process_name: process,
    pid: "7",
    src_ip: "192.0.2.9",
    src_port: "*",
    dst_ip: peer,
    dst_port: "443",
    transport: "tcp",
    direction: "outgoing",
  },
  fields: { bytes_read: read, bytes_written: 0, tcp_established: 1, retransmits: 0 },
});
const request = (path: string, count: number, latency: number): Point => ({
  ...flow("nginx", 0),
  measurement: "httpflow",
  fields: { method: "GET", path, status_code: 200, count, latency },
});
const order = { sort: 4, reversed: false, filter: "" };
const keys = (state: TopState, ...names: string[]): TopState =>
  names.reduce((now, name) => press(now, name.length === 1 ? { sequence: name, name } : { name }, 10) ?? now, state);

test("points of one flow are one row: rates of the last interval, totals of all", (t) => {
  const model = new TopModel();
  model.tick([flow("curl", 1000), flow("curl", 1000)], 2);
  model.tick([flow("curl", 4000)], 2);
  const [row, ...others] = model.rows(connections, order);
  t.deepEqual(others, []);
  t.is(row?.now["read"], 2000);
  t.is(row?.total["read"], 6000);
  t.is(row?.total["opened"], 3);
  model.tick([], 2);
  t.is(model.rows(connections, order)[0]?.now["read"], undefined);
});

test("the latency of a row is the mean over its exchanges, not over its points", (t) => {
  const model = new TopModel();
  model.tick([request("/", 3, 1_000_000), request("/", 1, 5_000_000)], 1);
  const [row] = model.rows(requests!, order);
  t.is(requests!.columns.at(-1)!.cell(row!), "2 ms");
});

test("rows are sorted by the chosen column, both ways, and filtered by what they show", (t) => {
  const model = new TopModel();
  model.tick([flow("slow", 1), flow("fast", 100), flow("middle", 10)], 1);
  const namesOf = (rows: readonly { texts: readonly string[] }[]) => rows.map(({ texts }) => texts[0]!.split(" ")[0]);
  t.deepEqual(namesOf(model.rows(connections, order)), ["fast", "middle", "slow"]);
  t.deepEqual(namesOf(model.rows(connections, { ...order, reversed: true })), ["slow", "middle", "fast"]);
  t.deepEqual(namesOf(model.rows(connections, { ...order, sort: 0 })), ["fast", "middle", "slow"]);
  t.deepEqual(namesOf(model.rows(connections, { ...order, filter: "SL" })), ["slow"]);
});

test("what nothing was heard of for a while goes, and there are never more rows than the bound", (t) => {
  const model = new TopModel();
  model.tick([flow("gone", 1)], 2);
  model.tick([], connections.keepSeconds + 1);
  t.is(model.count(connections), 0);
  model.tick(
    Array.from({ length: 6000 }, (_, index) => flow("many", 1, `10.0.${index >> 8}.${index & 255}`)),
    2,
  );
  t.is(model.count(connections), 5000);
});

test("keys choose list, order, filter and pause; q and Ctrl-C leave", (t) => {
  t.is(keys(initialState, "2").view, 1);
  t.is(keys(initialState, "tab", "tab", "tab", "tab").view, 0);
  t.deepEqual(keys(initialState, "right").sort, [5, 4, 3, 0]);
  t.true(keys(initialState, "r").reversed);
  t.true(keys(initialState, "p").paused);
  const typed = keys(initialState, "/", "q", "1", "return");
  t.is(typed.filter, "q1");
  t.is(typed.view, 0);
  t.is(keys(typed, "escape").filter, "");
  t.is(press(initialState, { name: "q", sequence: "q" }, 10), undefined);
  t.is(press(keys(initialState, "/"), { name: "c", ctrl: true }, 10), undefined);
});

test("the screen is never larger than the terminal, whatever is shown on it", (t) => {
  const anyText = fc.oneof(fc.string(), fc.constantFrom("日本語のパス/とても長い/".repeat(9), "\u001b[2J\n\r", "👩‍👩‍👧‍👦"));
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 250 }),
      fc.integer({ min: 5, max: 60 }),
      fc.array(anyText, { maxLength: 30 }),
      fc.nat(3),
      (columns, rows, texts, view) => {
        const model = new TopModel();
        model.tick(
          texts.flatMap((text) => [flow(text, 5), request(text, 1, 1)]),
          1,
        );
        const lines = render(model, { ...initialState, view }, plain(columns, rows), texts[0]);
        t.is(lines.length, rows);
        for (const line of lines) {
          t.true(stringWidth(line) <= columns, line);
          t.notRegex(line, /\p{Cc}/u);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("a wide screen shows all of a row; the list's place and the column it is sorted by are marked", (t) => {
  const model = new TopModel();
  model.tick(
    Array.from({ length: 30 }, (_, index) => flow(`process-${index}`, index)),
    1,
  );
  const lines = render(model, { ...initialState, top: 5 }, plain(160, 14));
  t.regex(lines[0]!, /1 connections \(30\)/);
  t.regex(lines[1]!, /in v/);
  t.regex(lines[2]!, /^process-24 7 +192\.0\.2\.9:\* +> 192\.0\.2\.1:443 tcp +24 B\/s/);
  t.regex(lines.at(-2)!, /rows 6-15 of 30/);
});
