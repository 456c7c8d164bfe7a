// SPDX-License-Identifier: MIT
// Bodies of some size: they are counted, and the kernel is not made to copy them.
import { fileURLToPath } from "node:url";
import { patience, spawnIn, until } from "@skep/testkit";
import { live } from "./live.js";
import { nothingUnaccounted, observer } from "./observe.js";

const MB = 1024 * 1024;

interface Request {
  readonly path: string;
  readonly send: number;
  readonly answer: number;
  /** The answer's length is told in its head. */
  readonly isKnown: boolean;
}

live("large bodies both ways leave the spans behind them as they are, and are counted", async (t) => {
  const { cgroup, agent, spans, status } = await observer(t);
  const peer = spawnIn(t, { cgroup }, process.execPath, [fileURLToPath(new URL("peers/bodies.mjs", import.meta.url))]);
  await peer.lines.next();
  const requests: readonly Request[] = [
    { path: "/small", send: 10, answer: 10, isKnown: true },
    { path: "/up", send: 8 * MB, answer: 10, isKnown: true },
    { path: "/down", send: 10, answer: 8 * MB, isKnown: true },
    { path: "/both", send: 3 * MB, answer: 3 * MB, isKnown: true },
    { path: "/chunks", send: 10, answer: MB / 2, isKnown: false },
    { path: "/after", send: 10, answer: 10, isKnown: true },
  ];
  for (const request of requests) {
    peer.writeLine(JSON.stringify(request));
    t.is(Number((await peer.lines.next()).value), request.answer);
  }
  peer.end();
  await peer.exited.catch(() => {});
  await until(() => spans.length >= 2 * requests.length, { what: "all spans", deadlineMs: 20_000 * patience });
  await agent.stop();

  const { counters } = status();
  t.deepEqual(counters.dropped, {});
  nothingUnaccounted(t, status());
  for (const type of ["entry", "exit"]) {
    const found = spans.filter(({ fields }) => fields["span_type"] === type);
    t.deepEqual(
      found.map(({ fields }) => fields["http_route"]),
      requests.map(({ path }) => path),
      type,
    );
    for (const [index, { path, send, answer }] of requests.entries()) {
      const { fields } = found[index]!;
      const [asked, answered] = type === "exit" ? ["bytes_written", "bytes_read"] : ["bytes_read", "bytes_written"];
      const within = (name: string, body: number): boolean =>
        Number(fields[name]) >= body && Number(fields[name]) < body * 1.01 + 1000;
      t.true(within(asked!, send), `${type} ${path}: ${asked} ${String(fields[asked!])} of ${send}`);
      t.true(within(answered!, answer), `${type} ${path}: ${answered} ${String(fields[answered!])} of ${answer}`);
      t.is(fields["http_status_code"], "200");
    }
  }
});
