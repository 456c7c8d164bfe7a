// SPDX-License-Identifier: MIT
// Linking on many machines, simulated: the two keyed operators of docs/tracing-at-scale.md with real spans and real keys, every message
// counted. Fails unless trees and ids are those of one linker, and work and traffic are spread as the document says.
//   bench/linker-at-scale.ts [machines] [requests]
import { type Point, spanMeasurement } from "@skep/core";
import { chanceKeeps, keysOf, Linker, spanIdOf, type SpanKeys, traceIdOf } from "@skep/linker";
import { encodePoints } from "@skep/exporter-datakit";

const machines = Number(process.argv[2] ?? 16);
const requests = Number(process.argv[3] ?? 4_000);
const samplingRate = 0.5;
/** Most of a machine's share over the mean, messages of an exchange, and rounds after the window. */
const bounds = { imbalance: 1.15, messagesPerExchange: 6, rounds: 40 };

// --- What is sent ---------------------------------------------------------------------------------------------------------------

interface Span {
  readonly id: string;
  readonly traceId: string;
  readonly keys: SpanKeys;
  readonly work: string;
}
/** A span's place: its work says which machine, its id which span there. */
interface Place {
  readonly work: string;
  readonly span: string;
}
type Message =
  | { readonly to: string; readonly kind: "span"; readonly span: Span; readonly bytes: number }
  | { readonly to: string; readonly kind: "end"; readonly incoming: boolean; readonly place: Place }
  | { readonly to: string; readonly kind: "caller" | "callee"; readonly at: string; readonly other: Place }
  | {
      readonly to: string;
      readonly kind: "verdict";
      readonly at: string;
      readonly keep: boolean;
      readonly reject: boolean;
    }
  | {
      readonly to: string;
      readonly kind: "trace";
      readonly at: string;
      readonly traceId: string;
      readonly sampled: boolean;
      readonly parent: string;
    };

/** Bytes of a message that is not a span: two keys of 16, two ids of 8, a trace of 16. */
const SMALL = 64;

/** What is linked inside one process: a request and the calls made for it, or a span that belongs to none. */
interface Node {
  readonly spans: readonly Span[];
  readonly root: Span;
  caller?: Place;
  readonly callees: Map<string, Place>;
  waiting: number;
  keep: boolean;
  reject: boolean;
  done: boolean;
}

// --- A machine: the operators' state for its share of the keys ------------------------------------------------------------------------

class Machine {
  received = 0;
  receivedBytes = 0;
  readonly links = new Map<string, string>();
  readonly #exchanges = new Map<string, { readonly incoming: Place[]; readonly outgoing: Place[] }>();
  readonly #works = new Map<string, Span[]>();
  readonly #nodes = new Map<string, Node>();

  take(message: Message, send: (message: Message) => void): void {
    this.received++;
    this.receivedBytes += message.kind === "span" ? message.bytes : SMALL;
    if (message.kind === "span") entryOf(this.#works, message.to, () => []).push(message.span);
    else if (message.kind === "end") {
      const exchange = entryOf(this.#exchanges, message.to, () => ({ incoming: [], outgoing: [] }));
      (message.incoming ? exchange.incoming : exchange.outgoing).push(message.place);
    } else this.#tell(message, this.#nodes.get(message.at)!, send);
  }

  #tell(message: Message, node: Node, send: (message: Message) => void): void {
    if (message.kind === "caller") node.caller = message.other;
    if (message.kind === "callee") {
      node.callees.set(message.at, message.other);
      node.waiting++;
    }
    if (message.kind === "verdict") {
      node.keep ||= message.keep;
      node.reject ||= message.reject;
      node.waiting--;
    }
    if (message.kind === "trace") this.#settle(node, message.traceId, message.sampled, message.parent, send);
    else if (message.kind === "verdict") this.goOn(node, send);
  }

  /** The window of these keys is over: two ends of an exchange, no more and no less, learn of each other. */
  closeExchanges(send: (message: Message) => void): void {
    for (const { incoming, outgoing } of this.#exchanges.values()) {
      const [callee, caller] = [incoming[0], outgoing[0]];
      if (incoming.length !== 1 || outgoing.length !== 1) continue;
      send({ to: callee!.work, kind: "caller", at: callee!.span, other: caller! });
      send({ to: caller!.work, kind: "callee", at: caller!.span, other: callee! });
    }
  }

  /** Spans of one work are one node when one of them is what the others were done for. */
  closeWorks(): void {
    for (const [work, spans] of this.#works) {
      const entries = spans.filter(({ keys }) => keys.entry);
      const belong = (span: Span) => !work.startsWith("none ") && (span.keys.entry || !span.keys.incoming);
      const groups =
        entries.length === 1
          ? [spans.filter(belong), ...spans.filter((s) => !belong(s)).map((s) => [s])]
          : spans.map((s) => [s]);
      for (const group of groups.filter(({ length }) => length > 0)) {
        const root = group.find(({ keys }) => keys.entry) ?? group[0]!;
        const node: Node = {
          spans: group,
          root,
          callees: new Map(),
          waiting: 0,
          keep: group.some(({ keys }) => keys.verdict === "keep"),
          reject: group.some(({ keys }) => keys.verdict === "reject"),
          done: false,
        };
        for (const { id } of group) this.#nodes.set(id, node);
      }
    }
  }

  start(send: (message: Message) => void): void {
    for (const node of new Set(this.#nodes.values())) this.goOn(node, send);
  }

  /** With all callees heard, a node tells its caller what an application said; one without caller decides and tells down. */
  goOn(node: Node, send: (message: Message) => void): void {
    if (node.waiting > 0 || node.done) return;
    node.done = true;
    const { caller, keep, reject, root } = node;
    if (caller !== undefined) return send({ to: caller.work, kind: "verdict", at: caller.span, keep, reject });
    const sampled = !reject && (keep || chanceKeeps(root.traceId, samplingRate));
    this.#settle(node, root.traceId, sampled, "0", send);
  }

  #settle(node: Node, traceId: string, sampled: boolean, parent: string, send: (message: Message) => void): void {
    for (const span of node.spans) {
      if (sampled) this.links.set(span.id, `${traceId} ${span === node.root ? parent : node.root.id}`);
      const callee = node.callees.get(span.id);
      if (callee) send({ to: callee.work, kind: "trace", at: callee.span, traceId, sampled, parent: span.id });
    }
  }
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

// --- Traffic: trees of services as one meets them -----------------------------------------------------------------------------------

/** Deterministic pseudo-random numbers: a run can be repeated. */
let state = 12345;
const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;

function traffic(): Point[] {
  const points: Point[] = [];
  let calls = 0;
  let works = 0;
  const serve = (depth: number, incoming: Ends | undefined): void => {
    const work = ++works;
    const host = `host-${Math.floor(random() * 50)}`;
    if (incoming) points.push(spanOf(incoming, "incoming", host, work));
    const fanOut = depth > 12 ? 0 : depth === 0 ? 2 : Math.floor(random() * 3.2 - depth * 0.08);
    for (let call = 0; call < fanOut; call++) {
      const exchange = endsOf(++calls);
      points.push(spanOf(exchange, "outgoing", host, work));
      // Databases and the outside have no agent: nobody sees the other end.
      if (random() < 0.8) serve(depth + 1, exchange);
    }
  };
  for (let request = 0; request < requests; request++) serve(0, endsOf(++calls));
  return points;
}

interface Ends {
  readonly client: string;
  readonly server: string;
  readonly request: number;
  readonly response: number;
}
const endsOf = (n: number): Ends => ({
  client: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
  server: `10.200.0.${n % 200}`,
  request: Math.floor(random() * 2 ** 32),
  response: Math.floor(random() * 2 ** 32),
});

function spanOf(ends: Ends, direction: "incoming" | "outgoing", host: string, work: number): Point {
  const incoming = direction === "incoming";
  const type = incoming ? "entry" : "exit";
  const verdict = random();
  return spanMeasurement.point(
    1n,
    { service: "s", host },
    {
      service: "s",
      source_type: "ebpf",
      ebpf_span_type: type,
      span_type: type,
      direction,
      req_seq: ends.request,
      resp_seq: ends.response,
      thread_trace_id: work,
      ktime: 1,
      start: 1,
      duration: 1,
      pid: "1",
      process_name: "a-service",
      thread_name: "worker",
      src_ip: incoming ? ends.server : ends.client,
      src_port: incoming ? "80" : "4000",
      dst_ip: incoming ? ends.client : ends.server,
      dst_port: incoming ? "4000" : "80",
      bytes_read: 100,
      bytes_written: 100,
      operation: "HTTP",
      resource: "GET /api/orders",
      http_method: "GET",
      http_route: "/api/orders",
      http_status_code: "200",
      app_span_sampled: verdict < 0.001 ? -1 : verdict < 0.01 ? 1 : undefined,
    },
  );
}

// --- The run ------------------------------------------------------------------------------------------------------------------------

const cluster = Array.from({ length: machines }, () => new Machine());
const machineOf = (key: string): number => {
  let hash = 2166136261;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % machines;
};
const counts = { messages: 0, small: 0, payload: 0, remote: 0 };
let inbox: Message[] = [];
const sendFrom = (from: number) => (message: Message) => {
  inbox.push(message);
  if (from >= 0 && from !== machineOf(message.to)) counts.remote++;
};
function deliver(): void {
  const messages = inbox;
  inbox = [];
  for (const message of messages) {
    counts.messages++;
    if (message.kind === "span") counts.payload += message.bytes;
    else counts.small++;
    const machine = machineOf(message.to);
    cluster[machine]!.take(message, sendFrom(machine));
  }
}

const points = traffic();
const agents = sendFrom(-1);
for (const point of points) {
  const keys = keysOf(point)!;
  const words = Uint32Array.from([0, 4, 8, 12], (at) => keys.identity.readUInt32BE(at));
  const id = spanIdOf(words);
  const work = keys.threadHigh + keys.threadLow === 0 ? `none ${id}` : `work ${keys.threadHigh} ${keys.threadLow}`;
  const span: Span = { id, traceId: traceIdOf(words), keys, work };
  agents({ to: work, kind: "span", span, bytes: encodePoints([point]).length });
  const exchange = `exchange ${keys.client} ${keys.server} ${keys.requestSeq} ${keys.responseSeq}`;
  agents({ to: exchange, kind: "end", incoming: keys.incoming, place: { work, span: id } });
}
deliver();
for (const machine of cluster) machine.closeWorks();
cluster.forEach((machine, index) => machine.closeExchanges(sendFrom(index)));
deliver();
cluster.forEach((machine, index) => machine.start(sendFrom(index)));
let rounds = 0;
for (; inbox.length > 0; rounds++) deliver();

// --- What one linker makes of it ------------------------------------------------------------------------------------------------------

const expected = new Map<string, string>();
const linker = new Linker({
  exporters: [
    {
      name: "truth",
      export: (given) => {
        for (const { fields } of given) {
          expected.set(
            String(fields["span_id"]),
            `${String(fields["ebpf_trace_id"])} ${String(fields["ebpf_parent_id"])}`,
          );
        }
      },
    },
  ],
  samplingRate,
  windowMs: 3_600_000,
});
linker.receive(points);
await linker.close();
const got = new Map(cluster.flatMap(({ links }) => [...links]));
const wrong = [...expected].filter(([id, link]) => got.get(id) !== link).length + Math.abs(got.size - expected.size);

const exchanges = points.filter((point) => point.fields["direction"] === "outgoing").length;
const imbalance = (of: (machine: Machine) => number): number =>
  Math.max(...cluster.map(of)) / (cluster.reduce((sum, machine) => sum + of(machine), 0) / machines);
const perExchange = counts.small / exchanges;
console.log(
  `${machines} machines, ${requests} requests, ${points.length} spans, ${exchanges} calls: ` +
    `${expected.size} spans of sampled traces, ${wrong} different from one linker's`,
);
console.log(
  `messages besides the spans: ${perExchange.toFixed(2)} a call, ${((counts.small * SMALL) / points.length).toFixed(0)} bytes a span ` +
    `(the span itself: ${(counts.payload / points.length).toFixed(0)}); ${rounds} rounds after the window; ` +
    `${((100 * counts.remote) / (counts.small - points.length)).toFixed(0)} % of what machines send goes to another`,
);
const [inMessages, inBytes] = [imbalance(({ received }) => received), imbalance(({ receivedBytes }) => receivedBytes)];
console.log(`busiest machine over the mean: ${inMessages.toFixed(3)} in messages, ${inBytes.toFixed(3)} in bytes`);
const kept = perExchange <= bounds.messagesPerExchange && rounds <= bounds.rounds;
if (wrong > 0 || !kept || Math.max(inMessages, inBytes) > bounds.imbalance) process.exitCode = 1;
