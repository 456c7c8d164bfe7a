// SPDX-License-Identifier: MIT
import test from "ava";
import fc from "fast-check";
import { type Actor, Scene, SceneConnection } from "./support/scene.js";

test("a call between a request and its response, all by one thread, was made for that request", (t) => {
  const scene = new Scene();
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/out", 7), 7);
  scene.respond(request, 7);
  scene.end();
  const ids = scene.traceIds();
  t.truthy(ids.get("/in"));
  t.is(ids.get("/out"), ids.get("/in"));
});

test("a call of another thread, before the request or after the response is left alone", (t) => {
  const scene = new Scene();
  scene.answer(scene.call("/before", 7), 7);
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/elsewhere", 8), 8);
  scene.respond(request, 7);
  scene.answer(scene.call("/after", 7), 7);
  scene.end();
  const ids = scene.traceIds();
  for (const path of ["/before", "/elsewhere", "/after"]) t.is(ids.get(path), undefined, path);
});

test("a call of a thread with two requests in hand is left alone, also when the second is over first", (t) => {
  const scene = new Scene();
  const [first, second] = [scene.ask("/first", 7), scene.ask("/second", 7)];
  const call = scene.call("/out", 7);
  scene.respond(second, 7);
  scene.answer(call, 7);
  scene.respond(first, 7);
  scene.end();
  t.is(scene.traceIds().get("/out"), undefined);
  t.deepEqual(scene.attribution.takeUnlinked(), { uncertain: 1, handedOver: 0, slow: 0 });
});

test("a call is left alone when another thread answered the request: work was handed over", (t) => {
  const scene = new Scene();
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/out", 7), 7);
  scene.respond(request, 8);
  scene.end();
  t.is(scene.traceIds().get("/out"), undefined);
  t.deepEqual(scene.attribution.takeUnlinked(), { uncertain: 0, handedOver: 1, slow: 0 });
});

test("a call waits for the end of its request, and no longer than its patience", (t) => {
  const scene = new Scene();
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/quick", 7), 7);
  scene.wait(4e9);
  t.is(scene.settled.length, 0);
  scene.wait(2e9);
  t.is(scene.traceIds().get("/quick"), undefined);
  t.is(scene.attribution.takeUnlinked().slow, 1);
  scene.answer(scene.call("/late", 7), 7);
  scene.respond(request, 7);
  scene.wait(1e9);
  t.is(scene.traceIds().get("/late"), scene.traceIds().get("/in"));
  t.is(scene.attribution.waiting, 0);
});

test("a goroutine made for a request works for it, through generations, as long as it is open", (t) => {
  const scene = new Scene();
  const [server, child, grandchild, older] = [10, 11, 12, 13];
  scene.goroutine(older, server);
  const request = scene.ask("/in", { goroutine: server });
  scene.goroutine(child, server);
  scene.goroutine(grandchild, child);
  scene.answer(scene.call("/child", { goroutine: child }), { goroutine: child });
  scene.answer(scene.call("/grandchild", { goroutine: grandchild }), { goroutine: grandchild });
  scene.answer(scene.call("/older", { goroutine: older }), { goroutine: older });
  scene.respond(request, { goroutine: server });
  scene.answer(scene.call("/after", { goroutine: child }), { goroutine: child });
  scene.goroutineEnds(grandchild);
  scene.goroutineEnds(child);
  scene.end();
  const ids = scene.traceIds();
  t.is(ids.get("/child"), ids.get("/in"));
  t.is(ids.get("/grandchild"), ids.get("/in"));
  t.is(ids.get("/older"), undefined);
  t.is(ids.get("/after"), undefined);
});

test("a goroutine that goes on when the request is over may work for others too: it is left alone", (t) => {
  const scene = new Scene();
  const [server, sender] = [10, 11];
  const request = scene.ask("/in", { goroutine: server });
  scene.goroutine(sender, server);
  scene.answer(scene.call("/out", { goroutine: sender }), { goroutine: sender });
  scene.respond(request, { goroutine: server });
  scene.wait(1e9);
  scene.goroutineEnds(sender);
  scene.end();
  t.is(scene.traceIds().get("/out"), undefined);
});

test("where it is not known which goroutine of a Go program moved bytes, its thread says nothing", (t) => {
  for (const isGo of [true, undefined]) {
    const scene = new Scene();
    scene.isGo = isGo;
    const request = scene.ask("/in", 7);
    scene.answer(scene.call("/out", 7), 7);
    scene.respond(request, 7);
    scene.end();
    t.is(scene.traceIds().get("/out"), undefined);
  }
});

/** A reader makes a goroutine for each of two requests of one connection; each makes a call, and `answerer` of it responds. */
function handedOn(answerer: (worker: number) => number): readonly (readonly [request: unknown, call: unknown])[] {
  const scene = new Scene();
  const [reader, workers] = [10, [11, 12]];
  const connection = scene.ask("/for11", { goroutine: reader });
  scene.goroutine(11, reader);
  connection.pass(false, "GET /for12 HTTP/1.1\r\n\r\n");
  connection.move(false, { goroutine: reader });
  scene.goroutine(12, reader);
  for (const goroutine of workers) scene.answer(scene.call(`/by${goroutine}`, { goroutine }), { goroutine });
  for (const worker of workers) {
    scene.respond(connection, { goroutine: answerer(worker) });
    scene.goroutineEnds(worker);
  }
  scene.end();
  const ids = scene.traceIds();
  return workers.map((worker) => [ids.get(`/for${worker}`), ids.get(`/by${worker}`)] as const);
}

test("goroutines made by the one that reads a connection's requests work each for the one that they answer", (t) => {
  for (const [request, call] of handedOn((worker) => worker)) {
    t.truthy(request);
    t.is(call, request);
  }
});

test("a call is left alone when nobody knows whether those who made it have answered: segments read at once look like two reads", (t) => {
  for (const [request, call] of handedOn(() => 13)) {
    t.truthy(request);
    t.is(call, undefined);
  }
});

test("of two requests that were read at once nobody can tell for which a goroutine was made", (t) => {
  const scene = new Scene();
  const [reader, worker] = [10, 11];
  const connection = scene.ask("/first HTTP/1.1\r\n\r\nGET /second", { goroutine: reader });
  scene.goroutine(worker, reader);
  scene.answer(scene.call("/out", { goroutine: worker }), { goroutine: worker });
  scene.respond(connection, { goroutine: reader });
  scene.respond(connection, { goroutine: reader });
  scene.goroutineEnds(worker);
  scene.end();
  t.is(scene.settled.length, 3);
  t.is(scene.traceIds().get("/out"), undefined);
});

test("a call is tied also when its process is gone by then, and nothing can be asked of it", (t) => {
  const scene = new Scene();
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/out", 7), 7);
  scene.respond(request, 7);
  scene.isGo = undefined;
  scene.end();
  t.is(scene.traceIds().get("/out"), scene.traceIds().get("/in"));
});

test("a thread that serves a request nobody can read beside another makes calls for either", (t) => {
  const scene = new Scene();
  const unread = new SceneConnection(scene);
  const pass = (isWritten: boolean): void => {
    unread.pass(isWritten, "\x16\x03\x01\x00\xff".repeat(200));
    unread.move(isWritten, 7);
  };
  pass(false);
  pass(true);
  const request = scene.ask("/in", 7);
  scene.answer(scene.call("/before", 7), 7);
  pass(false);
  scene.answer(scene.call("/both", 7), 7);
  pass(true);
  scene.answer(scene.call("/alone", 7), 7);
  scene.respond(request, 7);
  scene.end();
  t.is(scene.traceIds().get("/before"), scene.traceIds().get("/in"));
  t.is(scene.traceIds().get("/both"), undefined);
  t.is(scene.traceIds().get("/alone"), scene.traceIds().get("/in"));
});

test("goroutines that make each other are no endless loop", (t) => {
  const scene = new Scene();
  scene.goroutine(1, 2);
  scene.goroutine(2, 1);
  scene.answer(scene.call("/out", { goroutine: 1 }), { goroutine: 1 });
  scene.end();
  t.is(scene.traceIds().get("/out"), undefined);
});

test("while records may be missing, nothing is tied: a request may be in hand that nobody saw", (t) => {
  const scene = new Scene();
  const before = scene.step();
  const request = scene.ask("/in", 7);
  const call = scene.call("/out", 7);
  scene.attribution.lostRecords(before);
  scene.answer(call, 7);
  scene.respond(request, 7);
  scene.wait(30e9);
  t.is(scene.traceIds().get("/out"), undefined);
  const later = scene.ask("/later", 7);
  scene.answer(scene.call("/again", 7), 7);
  scene.respond(later, 7);
  scene.end();
  t.is(scene.traceIds().get("/again"), scene.traceIds().get("/later"));
});

/** What a process does next; numbers choose among what there is. */
type Act = readonly [what: "ask" | "call" | "answer" | "respond" | "hand over", which: number, whose: number];

interface Open {
  readonly path: string;
  readonly connection: SceneConnection;
  readonly actor: Actor;
}

const acts = fc.array(
  fc.tuple(
    fc.constantFrom<Act[0][]>("ask", "call", "answer", "respond", "hand over"),
    fc.nat(1000),
    fc.integer({ min: 1, max: 3 }),
  ),
  { maxLength: 60 },
);

test("whatever threads do with the requests they read: a call is tied to the one it was made for, or to none", (t) => {
  fc.assert(
    fc.property(acts, (script) => {
      const scene = new Scene();
      const requests: Open[] = [];
      const calls: Open[] = [];
      /** Call -> the request it was made for, and whether that can be known. */
      const truth = new Map<string, { readonly request: string; isCertain: boolean }>();
      const take = (from: Open[], which: number): Open | undefined => from.splice(which % (from.length || 1), 1)[0];
      const play = ([what, which, whose]: Act, step: number): void => {
        if (what === "ask") {
          const path = `/in${step}`;
          requests.push({ path, connection: scene.ask(path, whose), actor: whose });
        } else if (what === "call") {
          const request = requests[which % (requests.length || 1)];
          if (request === undefined) return;
          const path = `/out${step}`;
          calls.push({ path, connection: scene.call(path, request.actor), actor: request.actor });
          const inHand = requests.filter(({ actor }) => actor === request.actor).length;
          truth.set(path, { request: request.path, isCertain: inHand === 1 });
        } else if (what === "answer") {
          const call = take(calls, which);
          if (call !== undefined) scene.answer(call.connection, call.actor);
        } else {
          const request = take(requests, which);
          if (request === undefined) return;
          const actor = what === "respond" ? request.actor : 9;
          scene.respond(request.connection, actor);
          if (actor !== request.actor) {
            for (const call of truth.values()) if (call.request === request.path) call.isCertain = false;
          }
        }
      };
      script.forEach(play);
      while (calls.length > 0) play(["answer", 0, 0], 0);
      while (requests.length > 0) play(["respond", 0, 0], 0);
      scene.end();
      const ids = scene.traceIds();
      for (const [call, { request, isCertain }] of truth) {
        const found = ids.get(call);
        if (found !== (isCertain ? ids.get(request) : undefined)) return false;
      }
      return scene.lost === 0;
    }),
    { numRuns: 500 },
  );
  t.pass();
});
