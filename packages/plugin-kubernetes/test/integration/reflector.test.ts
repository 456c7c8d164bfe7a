// SPDX-License-Identifier: MIT
import test, { type ExecutionContext } from "ava";
import { until } from "@skep/testkit";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "../../src/api/api-server.js";
import type { ApiObject } from "../../src/api/objects.js";
import { Reflector, type ReflectorTimes } from "../../src/api/reflector.js";
import { ApiStandIn, caFile, strangerCaFile } from "../support/api-stand-in.js";
import { folder } from "../support/folder.js";
import { recordedText } from "../support/recorded.js";

const pods = "/api/v1/pods";
/** Impatient, so that breaks mend within a test. */
const times: ReflectorTimes = { answerMs: 5_000, idleMs: 5_000, watchMs: 60_000, retryMs: [5, 20] };

interface Reflected {
  readonly objects: Map<string, ApiObject>;
  /** What was said about trouble, in order. */
  readonly troubles: (string | undefined)[];
  readonly counts: { understood: number; not: number };
  readonly reflector: Reflector;
  trouble(): string | undefined;
  stop(): Promise<void>;
}

/** Reflects pods of a server until the test ends. */
function reflect(
  t: ExecutionContext,
  standIn: Pick<ApiStandIn, "url">,
  server: Partial<ApiServer> = {},
  { metadataOnly = false, ...changed }: Partial<ReflectorTimes> & { metadataOnly?: boolean } = {},
): Reflected {
  const objects = new Map<string, ApiObject>();
  const troubles: (string | undefined)[] = [];
  const counts = { understood: 0, not: 0 };
  const reflector = new Reflector(
    { url: standIn.url, token: undefined, caFile: undefined, verify: true, ...server },
    { name: "pods", path: pods, metadataOnly },
    {
      put(key, object) {
        if (key === "shop/odd") throw new TypeError("odd");
        objects.set(key, object);
      },
      remove: (key) => void objects.delete(key),
      keys: () => objects.keys(),
    },
    {
      trouble: (reason) => void troubles.push(reason),
      object: (understood) => void (understood ? counts.understood++ : counts.not++),
    },
    { ...times, ...changed },
  );
  const abort = new AbortController();
  const ended = reflector.run(abort.signal);
  const stop = async () => {
    abort.abort();
    await ended;
  };
  t.teardown(stop);
  return { objects, troubles, counts, reflector, trouble: () => troubles.at(-1), stop };
}

const pod = (name: string, more: object = {}): ApiObject => ({ metadata: { namespace: "shop", name }, ...more });
const names = ({ objects }: Reflected): string =>
  [...objects.keys()]
    .map((key) => key.replace("shop/", ""))
    .sort()
    .join(" ");
const watching = (standIn: ApiStandIn) => until(() => standIn.watchesOf(pods) === 1, { what: "a watch" });
const lists = ({ requests }: ApiStandIn) => requests.filter(({ query }) => query["watch"] === undefined);
const watches = ({ requests }: ApiStandIn) => requests.filter(({ query }) => query["watch"] === "true");

async function standInWith(t: ExecutionContext, ...objects: string[]): Promise<ApiStandIn> {
  const standIn = await ApiStandIn.start(t);
  for (const name of objects) standIn.put(pods, pod(name));
  return standIn;
}

test("what is there is listed from the server's cache, and every change after it is heard", async (t) => {
  const standIn = await standInWith(t, "a", "b");
  const seen = reflect(t, standIn);
  await seen.reflector.attempted;
  t.is(names(seen), "a b");
  await watching(standIn);
  standIn.put(pods, pod("c"));
  standIn.put(pods, pod("a", { status: { phase: "Running" } }));
  standIn.delete(pods, "shop/b");
  await until(() => names(seen) === "a c", { what: "the changes" });
  t.deepEqual((seen.objects.get("shop/a") as { status?: object }).status, { phase: "Running" });
  t.deepEqual(
    lists(standIn).map(({ query }) => query),
    [{ resourceVersion: "0" }],
  );
  t.like(watches(standIn)[0]?.query, { allowWatchBookmarks: "true", resourceVersion: "3", timeoutSeconds: "60" });
  t.is(seen.trouble(), undefined);
});

test("a change between list and watch is not missed", async (t) => {
  const standIn = await standInWith(t, "a");
  standIn.delayMs = 50;
  const seen = reflect(t, standIn);
  await seen.reflector.attempted;
  standIn.put(pods, pod("between"));
  await until(() => names(seen) === "a between", { what: "the change" });
  t.is(lists(standIn).length, 1);
});

test("the recorded rollout is heard as a real server told it", async (t) => {
  const standIn = await ApiStandIn.start(t);
  standIn.load(pods, "pods");
  const seen = reflect(t, standIn);
  await watching(standIn);
  for (const line of recordedText("pods.watch.ndjson").trim().split("\n")) standIn.replay(pods, line);
  const after = JSON.parse(recordedText("pods.after.json")) as { items: ApiObject[] };
  const expected = Object.fromEntries(
    after.items.map((item) => [`${item.metadata?.namespace}/${item.metadata?.name}`, item.metadata?.resourceVersion]),
  );
  const versions = () =>
    Object.fromEntries([...seen.objects].map(([key, { metadata }]) => [key, metadata?.resourceVersion]));
  await until(() => !seen.objects.has("shop/edge-node-a"), { what: "the last event" });
  t.deepEqual(versions(), expected);
});

test("after a break it goes on where it was, and lists nothing again", async (t) => {
  const standIn = await standInWith(t, "a", "b");
  const seen = reflect(t, standIn);
  await watching(standIn);
  standIn.put(pods, pod("c"));
  await until(() => names(seen) === "a b c", { what: "the first change" });
  standIn.breakConnections();
  standIn.put(pods, pod("d"));
  standIn.delete(pods, "shop/a");
  await until(() => names(seen) === "b c d", { what: "what happened meanwhile" });
  t.is(lists(standIn).length, 1);
  t.is(watches(standIn).at(-1)?.query["resourceVersion"], "4");
  t.deepEqual([...new Set(seen.troubles)], [undefined], "a break that mends at once is no trouble");
});

test("half an event at the end of a connection is heard whole from the next", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn);
  await watching(standIn);
  standIn.breakInsideEvent(pods);
  standIn.put(pods, pod("name"));
  await until(() => names(seen) === "a name", { what: "the event" });
  t.is(lists(standIn).length, 1);
});

test("a watch whose time is over is no trouble", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn);
  await watching(standIn);
  standIn.endWatches(pods);
  await until(() => watches(standIn).length === 2, { what: "another watch" });
  t.deepEqual([...new Set(seen.troubles)], [undefined]);
});

test("a bookmark is the place to go on from, though nothing of ours has changed", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn);
  await watching(standIn);
  for (let other = 0; other < 100; other++) standIn.put("/api/v1/services", pod("x"));
  standIn.bookmark(pods);
  standIn.put(pods, pod("b"));
  standIn.delete(pods, "shop/b");
  standIn.put(pods, pod("end"));
  await until(() => names(seen) === "a end", { what: "the change" });
  standIn.bookmark(pods);
  const before = standIn.version;
  standIn.breakConnections();
  await until(() => watches(standIn).length === 2, { what: "another watch" });
  t.is(watches(standIn)[1]?.query["resourceVersion"], String(before));
});

for (const byStatus of [false, true]) {
  test(`410 Gone by ${byStatus ? "status" : "event"}: everything is listed again, not older than what was seen, and who went meanwhile is gone`, async (t) => {
    const standIn = await standInWith(t, "a", "b");
    standIn.goneByStatus = byStatus;
    const seen = reflect(t, standIn);
    await watching(standIn);
    standIn.breakConnections();
    standIn.put(pods, pod("c"));
    standIn.delete(pods, "shop/a");
    standIn.compact(pods);
    await until(() => names(seen) === "b c", { what: "the second list" });
    await watching(standIn);
    standIn.put(pods, pod("d"));
    await until(() => names(seen) === "b c d", { what: "a change after it" });
    t.deepEqual(
      lists(standIn).map(({ query }) => query["resourceVersion"]),
      ["0", "3"],
    );
    t.deepEqual([...new Set(seen.troubles)], [undefined]);
  });
}

test("a server that was restored from a backup, and has not come as far as we had, is asked for the newest it has", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn);
  await watching(standIn);
  for (let more = 0; more < 10; more++) standIn.put(pods, pod("b"));
  await until(() => names(seen) === "a b", { what: "the changes" });
  await standIn.stop();
  const restored = new ApiStandIn();
  t.teardown(() => restored.stop());
  restored.put(pods, pod("old"));
  restored.refusals.set(pods, { code: 410, message: "too old resource version" });
  await restored.listen(Number(new URL(standIn.url).port));
  await until(() => restored.requests.length > 0, { what: "a request" });
  restored.refusals.clear();
  await until(() => names(seen) === "old", { what: "the list" });
  t.is(lists(restored).at(-1)?.query["resourceVersion"], "");
  t.true(seen.troubles.some((trouble) => trouble?.includes("Too large resource version")));
});

test("while a list is under way nothing that was known is forgotten, and a broken one takes nothing away", async (t) => {
  const standIn = await standInWith(t, "a", "b");
  const seen = reflect(t, standIn);
  await watching(standIn);
  standIn.breakListAfter = 150;
  standIn.breakConnections();
  standIn.compact(pods);
  await until(() => lists(standIn).length >= 4, { what: "several broken lists" });
  t.is(names(seen), "a b");
  t.truthy(seen.trouble());
  standIn.delete(pods, "shop/a");
  standIn.breakListAfter = Infinity;
  await until(() => names(seen) === "b" && seen.trouble() === undefined, { what: "a whole list" });
});

test("a list that comes in parts is put together", async (t) => {
  const standIn = await standInWith(t, ..."abcdefg");
  standIn.pageSize = 3;
  const seen = reflect(t, standIn);
  await seen.reflector.attempted;
  t.is(names(seen), "a b c d e f g");
  t.deepEqual(
    lists(standIn).map(({ query }) => query["continue"]),
    [undefined, "3", "6"],
  );
});

test("a server that is not there yet is no error but trouble, and its end", async (t) => {
  const standIn = await standInWith(t, "a");
  await standIn.stop();
  const seen = reflect(t, standIn);
  await seen.reflector.attempted;
  t.regex(seen.trouble() ?? "", /ECONNREFUSED/);
  await standIn.listen();
  await until(() => names(seen) === "a" && seen.trouble() === undefined, { what: "the list" });
});

test("a server that takes connections and says nothing is given up, and tried again", async (t) => {
  const standIn = await standInWith(t, "a");
  standIn.delayMs = 10_000;
  const seen = reflect(t, standIn, {}, { answerMs: 50 });
  await until(() => seen.troubles.length >= 2, { what: "two attempts" });
  t.is(seen.trouble(), "no answer within 0.05 s");
  standIn.delayMs = 0;
  await until(() => names(seen) === "a", { what: "the list" });
});

test("a list that stops in the middle is given up", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn, {}, { idleMs: 50 });
  await watching(standIn);
  standIn.stallLists = true;
  standIn.breakConnections();
  standIn.compact(pods);
  await until(() => seen.trouble() === "silent for 0.05 s", { what: "the trouble" });
  t.is(names(seen), "a");
});

test("a refusal is told with who was refused, and what to do", async (t) => {
  const standIn = await standInWith(t, "a");
  const message = 'pods is forbidden: User "skep" cannot list resource "pods" in API group "" at the cluster scope';
  standIn.refusals.set(pods, { code: 403, message });
  const seen = reflect(t, standIn);
  await seen.reflector.attempted;
  t.is(seen.trouble(), 'HTTP 403: User "skep" may not list and watch them (see deploy/)');
  standIn.refusals.clear();
  await until(() => names(seen) === "a", { what: "the list, once it is allowed" });
});

test("a token is read again for each request, so that a rotated one is used without a restart", async (t) => {
  const standIn = await standInWith(t, "a");
  standIn.tokens.add("first");
  const file = join(folder(t, { token: "first\n" }), "token");
  const seen = reflect(t, standIn, { token: { file } });
  await watching(standIn);
  standIn.tokens.delete("first");
  standIn.tokens.add("second");
  standIn.breakConnections();
  standIn.put(pods, pod("b"));
  await until(() => seen.trouble()?.startsWith("HTTP 401: Unauthorized") ?? false, { what: "a refusal" });
  writeFileSync(`${file}.new`, "second");
  renameSync(`${file}.new`, file); // as kubelet does
  await until(() => names(seen) === "a b" && seen.trouble() === undefined, { what: "what the new token shows" });
  t.deepEqual(
    [...new Set(standIn.requests.map(({ authorization }) => authorization))],
    ["Bearer first", "Bearer second"],
  );
});

test("a token file that is missing is named", async (t) => {
  const seen = reflect(t, await standInWith(t), { token: { file: "/nonexistent/token" } });
  await seen.reflector.attempted;
  t.regex(seen.trouble() ?? "", /ENOENT.*\/nonexistent\/token/);
});

test("only the cluster's CA is believed, unless told otherwise", async (t) => {
  const standIn = await ApiStandIn.start(t, "https");
  standIn.put(pods, pod("a"));
  const trusting = reflect(t, standIn, { caFile });
  await trusting.reflector.attempted;
  t.is(names(trusting), "a");
  for (const doubting of [reflect(t, standIn, { caFile: strangerCaFile }), reflect(t, standIn)]) {
    await doubting.reflector.attempted;
    t.is(names(doubting), "");
    t.regex(doubting.trouble() ?? "", /certificate.*\(see kubernetes_ca\)$/);
  }
  const careless = reflect(t, standIn, { verify: false });
  await careless.reflector.attempted;
  t.is(names(careless), "a");
});

test("no token is shown to a server whose certificate is not believed", async (t) => {
  const standIn = await ApiStandIn.start(t, "https");
  const doubting = reflect(t, standIn, { caFile: strangerCaFile, token: { text: "secret" } });
  await doubting.reflector.attempted;
  t.deepEqual(standIn.requests, []);
});

test("where metadata is enough the server is asked for no more", async (t) => {
  const standIn = await ApiStandIn.start(t);
  standIn.put(pods, pod("a", { spec: { containers: [] } }));
  const seen = reflect(t, standIn, {}, { metadataOnly: true });
  await watching(standIn);
  standIn.put(pods, pod("b", { spec: { containers: [] } }));
  await until(() => names(seen) === "a b", { what: "both" });
  for (const object of seen.objects.values()) t.false("spec" in object);
  const accepted = standIn.requests.map(({ accept }) => accept?.split(";").slice(0, 2).join(";"));
  t.deepEqual(accepted, ["application/json;as=PartialObjectMetadataList", "application/json;as=PartialObjectMetadata"]);
});

test("an object that cannot be understood is left out, counted, and costs no other", async (t) => {
  const standIn = await standInWith(t, "a", "odd", "b");
  const seen = reflect(t, standIn);
  await watching(standIn);
  standIn.put(pods, pod("odd"));
  standIn.put(pods, pod("c"));
  await until(() => names(seen) === "a b c", { what: "the others" });
  t.deepEqual(seen.counts, { understood: 3, not: 2 });
  t.is(lists(standIn).length, 1);
});

test("what is no event breaks the watch and not the agent, and is told when it comes again", async (t) => {
  const standIn = await standInWith(t, "a");
  // However slow this machine is, the first watch is no success because it lasted.
  const seen = reflect(t, standIn, {}, { retryMs: [5, 10_000] });
  await watching(standIn);
  const isTold = () => seen.troubles.some((trouble) => trouble?.includes("is no event"));
  standIn.say(pods, "<html>");
  await until(() => watches(standIn).length >= 2 && standIn.watchesOf(pods) === 1, { what: "the next watch" });
  t.false(isTold());
  standIn.say(pods, '{"kind":"PodList","items":[]}');
  await until(isTold, { what: "trouble" });
  standIn.put(pods, pod("b"));
  await until(() => names(seen) === "a b", { what: "a watch that works" });
  t.is(lists(standIn).length, 1);
  t.is(seen.trouble(), undefined);
});

test("the end comes at once, and leaves no connection", async (t) => {
  const standIn = await standInWith(t, "a");
  const seen = reflect(t, standIn);
  await watching(standIn);
  await seen.stop();
  await until(() => standIn.watchesOf(pods) === 0, { what: "no watch" });
  const { length } = standIn.requests;
  standIn.put(pods, pod("b"));
  t.is(names(seen), "a");
  t.is(standIn.requests.length, length);
});

test("a server that ends every watch at once is not asked without pause", async (t) => {
  const standIn = await standInWith(t, "a");
  standIn.endWatchesAtOnce = true;
  const seen = reflect(t, standIn, {}, { retryMs: [20, 10_000] });
  const began = performance.now();
  await until(() => watches(standIn).length >= 5, { what: "five watches" });
  // Half of 20 + 40 + 80 + 160 ms at least.
  t.true(performance.now() - began >= 150);
  await seen.stop();
});
