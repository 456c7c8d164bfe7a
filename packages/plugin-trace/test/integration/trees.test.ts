// SPDX-License-Identifier: MIT
import type { Point } from "@skep/core";
import test from "ava";
import { spansOfRequest } from "../system/made-up.js";
import { Readers, type Readings } from "../system/readers.js";
import { callsOfRequest, databases, necessary } from "../system/topology.js";
import { compareTrees, type Verdict } from "../system/trees.js";

const calls = callsOfRequest(new Set([...necessary, ...databases]));
const requests = { first: 5, count: 20 };
// The user is not observed.
const observed = () =>
  Array.from({ length: requests.count }, (_, n) => spansOfRequest(calls, requests.first + n))
    .flat()
    .filter(({ fields }) => fields["service"] !== "user");

async function linkAndRead(spans: readonly Point[]): Promise<Readings> {
  const readers = await Readers.open({ otlp: true });
  for (const span of spans) readers.add(span);
  return readers.read();
}

const verdicts = ({ points, otlp }: Readings): readonly Verdict[] =>
  [points, otlp].map((spans) => compareTrees(spans, calls, requests));

/** The span of one end of a call, to be spoilt. */
const spanAt = (points: readonly Point[], path: string, direction: string): Point =>
  points.find(({ fields }) =>
    ["http_route", "mysql_comment"].some((field) => fields[field] === path && fields["direction"] === direction),
  )!;

test("a tree that was seen whole is right, by its points and for a reader of OTLP", async (t) => {
  for (const verdict of verdicts(await linkAndRead(observed()))) {
    t.is(verdict.wholeTrees, requests.count);
    t.deepEqual(verdict.wrong, []);
    t.is(verdict.duplicates + verdict.others, 0);
    for (const [edge, { expected, right }] of [...verdict.inside, ...verdict.between, ...verdict.servers])
      t.is(right, expected, edge);
    t.is(verdict.servers.get("Python threads")!.expected, requests.count);
    t.is(verdict.inside.get("front > node, by a child goroutine")!.expected, requests.count);
    t.is(verdict.inside.get("node > store")!.expected, 3 * requests.count);
  }
});

test("calls whose cause is unknown are unlinked, never wrong", async (t) => {
  const spans = observed();
  spanAt(spans, "/work/7/nginx/go/python/mariadb", "outgoing").fields["thread_trace_id"] = 12345n;
  for (const verdict of verdicts(await linkAndRead(spans))) {
    t.is(verdict.wholeTrees, requests.count - 1);
    t.deepEqual(verdict.wrong, []);
    t.is(verdict.inside.get("python > mariadb")!.unlinked, 1);
    t.is(verdict.servers.get("Python threads")!.unlinked, 1);
    t.is(verdict.between.get("python > mariadb")!.unlinked, 0);
  }
});

test("a call that is made for another request's is wrong", async (t) => {
  const spans = observed();
  const [mine, other] = ["/work/7/nginx/go/python", "/work/8/nginx/go/python"];
  spanAt(spans, `${mine}/mariadb`, "outgoing").fields["thread_trace_id"] = spanAt(spans, other, "incoming").fields[
    "thread_trace_id"
  ]!;
  for (const verdict of verdicts(await linkAndRead(spans))) {
    t.deepEqual(verdict.wrong, ["7 nginx/go/python/mariadb outgoing has the parent 8 nginx/go/python incoming"]);
    t.is(verdict.inside.get("python > mariadb")!.wrong, 1);
    t.is(verdict.wholeTrees, requests.count - 1);
  }
});

test("a call that is made for another place of the same request is wrong", async (t) => {
  const spans = observed();
  const [above, python] = ["/work/7/nginx/go", "/work/7/nginx/go/python"];
  const call = spanAt(spans, `${python}/mariadb`, "outgoing");
  // It would have to be the same process too: the linker asks for that.
  const { thread_trace_id, pid } = spanAt(spans, above, "incoming").fields;
  Object.assign(call.fields, { thread_trace_id, pid });
  for (const { wrong } of verdicts(await linkAndRead(spans)))
    t.deepEqual(wrong, ["7 nginx/go/python/mariadb outgoing has the parent 7 nginx/go incoming"]);
});

test("what was not seen is missing, and what causes nothing is not counted as a request's", async (t) => {
  const spans = observed();
  const [missing, other] = ["/work/7/nginx/go/python/mariadb", "/work/8/nginx/go/python/mariadb"];
  spans.splice(spans.indexOf(spanAt(spans, missing, "outgoing")), 1);
  spanAt(spans, other, "incoming").fields["mysql_comment"] = "";
  for (const verdict of verdicts(await linkAndRead(spans))) {
    t.deepEqual(verdict.wrong, []);
    t.is(verdict.wholeTrees, requests.count - 2);
    t.is(verdict.inside.get("python > mariadb")!.missing, 1);
    t.is(verdict.between.get("python > mariadb")!.unlinked, 1);
    t.is(verdict.between.get("python > mariadb")!.missing, 1);
    t.is(verdict.others, 1);
  }
});
