// SPDX-License-Identifier: MIT

import test from "ava";
import {
  createAgent,
  scopeProbes,
  service,
  SkepError,
  type Agent,
  type AgentOptions,
  type Loss,
  type Plugin,
  type PluginContext,
  type Point,
  type Scope,
  type StateChange,
} from "../../../src/index.js";
import { FakeBackend, FakeMap, type FakePlan } from "../support/fake-backend.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { direct, group, layouts, record, sample, summing, testPlugin } from "../support/plugins.js";

interface World {
  readonly agent: Agent;
  readonly backend: FakeBackend;
  readonly clock: FakeClock;
  readonly points: Point[];
  readonly states: StateChange[];
  readonly losses: Loss[];
  readonly errors: SkepError[];
}

/** An agent on a fake backend and clock, with all it says written down. Every plugin's layouts are right unless a plan says else. */
function world(
  plugins: AgentOptions["plugins"],
  plans: Record<string, FakePlan> = {},
  options: Partial<AgentOptions> = {},
): World {
  const names = plugins.map((entry) => ("plugin" in entry ? entry.plugin.name : entry.name));
  const backend = new FakeBackend(Object.fromEntries(names.map((name) => [name, { layouts, ...plans[name] }])));
  const clock = new FakeClock();
  const agent = createAgent({ backend, plugins, clock, hostname: "bee", interval: 1000, env: {}, ...options });
  const [points, states, losses, errors]: [Point[], StateChange[], Loss[], SkepError[]] = [[], [], [], []];
  agent
    .on("point", (point) => points.push(point))
    .on("state", (change) => states.push(change))
    .on("loss", (loss) => losses.push(loss))
    .on("error", (error) => errors.push(error));
  return { agent, backend, clock, points, states, losses, errors };
}

/** Stops an agent whose clock stands still. */
async function stop({ agent, clock }: Pick<World, "agent" | "clock">): Promise<void> {
  const stopped = agent.stop();
  await clock.advance(20_000);
  await stopped;
}

const statusOf = (agent: Agent, name: string) => agent.status().plugins.find((plugin) => plugin.name === name)!;

const assertBalanced = (t: { is(a: unknown, b: unknown, message?: string): unknown }, agent: Agent, name: string) => {
  const { observed, emitted, aggregated, dropped, pending } = statusOf(agent, name).counters;
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  t.is(pending, 0, `${name} still holds observations`);
  t.is(observed, emitted + aggregated + lost, `the account of ${name} does not balance`);
};

test("a plugin goes declared, checked, loaded, running, stopped", async (t) => {
  const w = world([testPlugin("a", direct)]);
  t.is(statusOf(w.agent, "a").state, "declared");
  await w.agent.start();
  t.is(statusOf(w.agent, "a").support, "full");
  await stop(w);
  t.deepEqual(
    w.states.map(({ from, to }) => `${from} ${to}`),
    ["declared checked", "checked loaded", "loaded running", "running stopped"],
  );
  t.deepEqual(w.backend.journal, ["open a", "attach a", "detach a"]);
  t.is(w.agent.status().state, "stopped");
});

test("setup runs between load and attach, start after it", async (t) => {
  const w = world([
    testPlugin("a", () => {
      w.backend.journal.push("setup");
      return {
        start: () => void w.backend.journal.push("start"),
        flush: () => void w.backend.journal.push("flush"),
        close: () => void w.backend.journal.push("close"),
      };
    }),
  ]);
  await w.agent.start();
  await stop(w);
  t.deepEqual(w.backend.journal, ["open a", "setup", "attach a", "start", "flush", "close", "detach a"]);
});

test("a record becomes a point with the global tags, which never override the point's own", async (t) => {
  const w = world([testPlugin("a", direct)], {}, { service: "hive", tags: { kind: "global", zone: "north" } });
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(7));
  await w.clock.advance(50);
  t.like(w.points, [{ measurement: "sample", fields: { value: 7 } }]);
  t.deepEqual(w.points[0]!.tags, { kind: "direct", zone: "north", service: "hive", host: "bee" });
  await stop(w);
});

test("a plugin can catch up with its ring before the drain clock's next turn", async (t) => {
  let catchUp = () => {};
  const eager: typeof direct = (context) => {
    catchUp = () => context.ring("records").catchUp();
    return direct(context);
  };
  const w = world([testPlugin("a", eager)]);
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(7), record(8));
  catchUp();
  t.like(statusOf(w.agent, "a").counters, { observed: 2, emitted: 2 });
  await w.clock.advance(1000);
  t.like(statusOf(w.agent, "a").counters, { observed: 2, emitted: 2 });
  await stop(w);
  t.notThrows(catchUp, "nothing happens once it is closed");
});

test("observations balance for a plugin that emits directly and for one that aggregates", async (t) => {
  const w = world([testPlugin("direct", direct), testPlugin("sum", summing)]);
  await w.agent.start();
  for (const name of ["direct", "sum"]) w.backend.session(name).ring("records").push(record(1), record(2), record(3));
  await w.clock.advance(1000);
  t.like(statusOf(w.agent, "direct").counters, { observed: 3, emitted: 3, aggregated: 0 });
  t.like(statusOf(w.agent, "sum").counters, { observed: 3, emitted: 1, aggregated: 2 });
  for (const name of ["direct", "sum"]) assertBalanced(t, w.agent, name);
  t.deepEqual(w.points.map(({ fields }) => fields["value"]).sort(), [1, 2, 3, 6]);
  await stop(w);
});

test("what the kernel had to drop is observed, dropped and told once", async (t) => {
  const stats = new FakeMap("skep_stats", "percpu_array");
  const twoCpus = (a: number, b: number) => new Uint8Array(BigUint64Array.of(BigInt(a), BigInt(b)).buffer);
  const w = world([testPlugin("a", direct)], { a: { maps: [stats] } });
  await w.agent.start();
  stats.update(Uint8Array.of(0, 0, 0, 0), twoCpus(3, 4));
  stats.update(Uint8Array.of(4, 0, 0, 0), twoCpus(99, 99)); // reserved
  await w.clock.advance(1000);
  stats.update(Uint8Array.of(0, 0, 0, 0), twoCpus(3, 6));
  stats.update(Uint8Array.of(1, 0, 0, 0), twoCpus(0, 1));
  await w.clock.advance(2000);
  t.deepEqual(w.losses, [
    { plugin: "a", reason: "ring_full", count: 7 },
    { plugin: "a", reason: "ring_full", count: 2 },
    { plugin: "a", reason: "map_full", count: 1 },
  ]);
  t.deepEqual(statusOf(w.agent, "a").counters.dropped, { ring_full: 9, map_full: 1 });
  assertBalanced(t, w.agent, "a");
  await stop(w);
});

test("a record that cannot be decoded is counted and harms no other", async (t) => {
  const w = world([
    testPlugin("a", (context) => {
      context.ring("records").on((cursor) => {
        if (cursor.u32[0] === 13) throw new Error("bad luck");
        context.emit(sample.point(1n, { kind: "x" }, { value: cursor.u32[0]! }));
        if (cursor.u32[0] === 14) throw new Error("too late");
      });
      return {};
    }),
  ]);
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(1), record(13), record(14), record(2));
  await w.clock.advance(1000);
  t.deepEqual(
    w.points.map(({ fields }) => fields["value"]),
    [1, 14, 2],
  );
  t.deepEqual(statusOf(w.agent, "a").counters.dropped, { undecodable: 1 });
  assertBalanced(t, w.agent, "a");
  t.like(w.errors, [{ code: "SKEP_ERR_PLUGIN_FAILED", plugin: "a", phase: "decode" }]);
  t.is(statusOf(w.agent, "a").state, "running");
  await stop(w);
});

test("a plugin that decodes almost nothing is quarantined, its unread records counted, the others untouched", async (t) => {
  const w = world([
    testPlugin("bad", (context) => {
      context.ring("records").on(() => {
        throw new Error("no idea");
      });
      return {};
    }),
    testPlugin("good", direct),
  ]);
  await w.agent.start();
  w.backend
    .session("bad")
    .ring("records")
    .push(...Array.from({ length: 50 }, (_, i) => record(i)));
  w.backend.session("good").ring("records").push(record(1));
  await w.clock.advance(100);
  t.is(statusOf(w.agent, "bad").state, "failed");
  t.deepEqual(statusOf(w.agent, "bad").counters.dropped, { undecodable: 20, plugin_failed: 30 });
  assertBalanced(t, w.agent, "bad");
  t.is(statusOf(w.agent, "good").state, "running");
  t.is(w.points.length, 1);
  t.true(w.backend.session("bad").closed);
  await stop(w);
});

for (const phase of ["setup", "start", "flush"] as const) {
  test(`a throw in ${phase} quarantines only its plugin, which is started again`, async (t) => {
    let broken = true;
    const fail = (now: string) => {
      if (broken && now === phase) throw new Error("broken");
    };
    const w = world([
      testPlugin("bad", () => {
        fail("setup");
        return { start: () => fail("start"), flush: () => fail("flush") };
      }),
      testPlugin("good", direct),
    ]);
    await w.agent.start();
    if (phase === "flush") await w.clock.advance(1000);
    t.is(statusOf(w.agent, "bad").state, "failed");
    t.like(w.errors, [{ code: "SKEP_ERR_PLUGIN_FAILED", plugin: "bad", phase }]);
    t.deepEqual(
      w.backend.opened.map(({ request }) => request.plugin),
      ["good"],
    );
    broken = false;
    await w.clock.advance(1000);
    t.like(statusOf(w.agent, "bad"), { state: "running", restarts: 1, error: undefined });
    t.is(statusOf(w.agent, "good").state, "running");
    await stop(w);
  });
}

test("restarts come later and later, and soon again after a healthy time", async (t) => {
  let flushes = 0;
  let broken = true;
  const w = world(
    [
      testPlugin("a", () => ({
        flush: () => {
          flushes++;
          if (broken) throw new Error("again");
        },
      })),
      testPlugin("b"),
    ],
    {},
    { restart: { initialMs: 10_000, maxMs: 40_000, healthyMs: 100_000 } },
  );
  await w.agent.start();
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = flushes;
    while (flushes === before) await w.clock.advance(1000);
    waits.push(statusOf(w.agent, "a").restartInMs!);
  }
  t.deepEqual(
    waits.map((ms, i) => ms >= [5, 10, 20, 20][i]! * 1000 && ms <= [10, 20, 40, 40][i]! * 1000),
    [true, true, true, true],
    String(waits),
  );
  broken = false;
  await w.clock.advance(145_000);
  broken = true;
  await w.clock.advance(1000);
  t.is(statusOf(w.agent, "a").state, "failed");
  t.true(statusOf(w.agent, "a").restartInMs! <= 10_000);
  await stop(w);
});

test("a phase that never ends is named, and what it opens later is closed", async (t) => {
  let open = () => {};
  const w = world([testPlugin("slow"), testPlugin("good")], {
    slow: { open: () => new Promise<void>((resolve) => (open = resolve)) },
  });
  const started = w.agent.start();
  await w.clock.advance(60_000);
  await started;
  t.like(w.errors, [{ code: "SKEP_ERR_PLUGIN_TIMEOUT", plugin: "slow", phase: "load" }]);
  open();
  await settle();
  t.true(w.backend.session("slow").closed);
  await stop(w);
});

test("a timer of a plugin overlaps neither itself nor a flush, and starts after start", async (t) => {
  const journal: string[] = [];
  const { promise, resolve } = deferred();
  const w = world([
    testPlugin("a", (context) => {
      context.every(300, async () => {
        journal.push("timer begins");
        if (journal.length === 2) await promise;
        journal.push("timer ends");
      });
      return { start: () => void journal.push("start"), flush: () => void journal.push("flush") };
    }),
  ]);
  await w.agent.start();
  await w.clock.advance(1500);
  t.deepEqual(journal, ["start", "timer begins"]);
  resolve();
  await settle();
  t.deepEqual(journal, ["start", "timer begins", "timer ends", "flush"]);
  await w.clock.advance(300);
  t.deepEqual(journal.slice(4), ["timer begins", "timer ends"]);
  await stop(w);
});

test("a timer that fails three times in a row quarantines its plugin", async (t) => {
  const w = world([
    testPlugin("a", (context) => {
      context.every(100, () => {
        throw new Error("tick");
      });
      return {};
    }),
  ]);
  await w.agent.start();
  await w.clock.advance(250);
  t.is(statusOf(w.agent, "a").state, "running");
  await w.clock.advance(100);
  t.is(statusOf(w.agent, "a").state, "failed");
  t.is(statusOf(w.agent, "a").failures, 3);
  await stop(w);
});

test("start rejects when nothing runs, names every reason and leaves nothing attached", async (t) => {
  const refuse = () => {
    throw new SkepError("SKEP_ERR_PROBES", "no strategy works", { hint: "use another kernel" });
  };
  const w = world([testPlugin("a"), { plugin: testPlugin("b"), config: { label: 3 } }], { a: { open: refuse } });
  const error = await t.throwsAsync(w.agent.start(), { code: "SKEP_ERR_NOTHING_RUNS" });
  t.regex(error.message, /a: plugin a: no strategy works \(use another kernel\)/);
  t.regex(error.message, /configuration of plugin b is wrong: label: /);
  t.deepEqual(w.backend.opened, []);
  await w.agent.stop();
  t.is(w.agent.status().state, "stopped");
  await t.throwsAsync(() => w.agent.start(), { code: "SKEP_ERR_NOTHING_RUNS" });
});

test("start rejects when a required plugin cannot run, and detaches the others", async (t) => {
  const w = world([testPlugin("good"), { plugin: testPlugin("needed"), required: true }], {
    needed: {
      attach: () => {
        throw new Error("refused");
      },
    },
  });
  const started = w.agent.start();
  const error = await t.throwsAsync(started, { code: "SKEP_ERR_NOTHING_RUNS" });
  t.regex(error.message, /required plugin could not run\n {2}needed: plugin needed threw in attach: refused/);
  t.deepEqual(w.backend.opened, []);
});

test("a plugin whose layout differs from the loaded object is refused, for good", async (t) => {
  const w = world([testPlugin("a", direct), testPlugin("b")], {
    a: { layouts: { sample: { struct: "sample", size: 4, fields: [{ name: "value", offset: 2, size: 2 }] } } },
  });
  await w.agent.start();
  t.like(statusOf(w.agent, "a"), { state: "failed", support: "unavailable", restartInMs: undefined });
  t.like(w.errors, [{ code: "SKEP_ERR_LAYOUT", plugin: "a" }]);
  t.regex(
    w.errors[0]!.message,
    /struct sample has its field value at bytes 2 to 4 in the loaded object, at bytes 0 to 4/,
  );
  t.true(w.backend.session("a").closed);
  await stop(w);
});

const Nest = service<{ eggs: number }>("test.nest", 1);

const nestProvider = (setup = () => ({})): Plugin =>
  testPlugin(
    "provider",
    (context) => {
      context.provide(Nest, { eggs: 3 });
      return setup();
    },
    { provides: [Nest] },
  );

test("a provider starts before its users and is closed after them, whatever the order they were named in", async (t) => {
  let eggs = 0;
  const user = testPlugin("user", (context) => ((eggs = context.use(Nest).eggs), {}), { uses: [Nest] });
  const w = world([user, nestProvider()]);
  await w.agent.start();
  t.is(eggs, 3);
  await stop(w);
  t.deepEqual(w.backend.journal, [
    "open provider",
    "attach provider",
    "open user",
    "attach user",
    "detach user",
    "detach provider",
  ]);
});

test("a missing service is reported with both names, and the plugin is not tried again", async (t) => {
  const w = world([testPlugin("user", undefined, { uses: [Nest] }), testPlugin("b")]);
  await w.agent.start();
  t.like(statusOf(w.agent, "user"), { state: "failed", restartInMs: undefined });
  t.is(w.errors[0]!.code, "SKEP_ERR_SERVICE_MISSING");
  t.is(w.errors[0]!.message, "plugin user needs the service test.nest@1, which no enabled plugin provides");
  await stop(w);
});

test("services that need each other in a circle are reported with the way round", (t) => {
  const Egg = service<object>("test.egg", 1);
  const plugins = [
    testPlugin("hen", undefined, { provides: [Egg], uses: [Nest] }),
    testPlugin("fox", undefined, { provides: [Nest], optionallyUses: [Egg] }),
  ];
  const error = t.throws(() => world(plugins), { code: "SKEP_ERR_SERVICE_CYCLE" });
  t.regex(error.message, /: hen uses test\.nest@1 of fox uses test\.egg@1 of hen$/);
});

test("who uses a service whose provider fails is started again with it; who can do without is degraded meanwhile", async (t) => {
  let broken = false;
  const w = world([
    nestProvider(() => ({
      flush: () => {
        if (broken) throw new Error("broken");
      },
    })),
    testPlugin("user", (context) => (context.use(Nest), {}), { uses: [Nest] }),
    testPlugin("fan", (context) => ({ flush: () => void (seen = context.tryUse(Nest)) }), { optionallyUses: [Nest] }),
  ]);
  let seen: object | undefined;
  await w.agent.start();
  await w.clock.advance(1000);
  t.deepEqual(seen, { eggs: 3 });
  broken = true;
  await w.clock.advance(1000);
  t.is(statusOf(w.agent, "user").state, "failed");
  t.is(statusOf(w.agent, "fan").state, "degraded");
  t.regex(statusOf(w.agent, "fan").reasons[0]!, /without the service test\.nest@1: plugin provider failed/);
  t.is(seen, undefined);
  broken = false;
  await w.clock.advance(3000);
  for (const name of ["provider", "user", "fan"]) t.is(statusOf(w.agent, name).state, "running", name);
  t.deepEqual(seen, { eggs: 3 });
  await stop(w);
});

test("a service the manifest does not name can be neither used nor provided", async (t) => {
  const w = world([
    testPlugin("uses", (context) => (context.use(Nest), {})),
    testPlugin("provides", (context) => (context.provide(Nest, { eggs: 0 }), {})),
    testPlugin("b"),
  ]);
  await w.agent.start();
  t.deepEqual(
    w.errors.map(({ code }) => code),
    ["SKEP_ERR_SERVICE_UNDECLARED", "SKEP_ERR_SERVICE_UNDECLARED"],
  );
  await stop(w);
});

test("two agents share no service", async (t) => {
  const w = world([nestProvider()]);
  const other = world([testPlugin("user", undefined, { uses: [Nest] }), testPlugin("b")]);
  await w.agent.start();
  await other.agent.start();
  t.is(statusOf(other.agent, "user").state, "failed");
  await stop(w);
  await stop(other);
});

test("forced strategies, rodata, map sizes and left-out groups reach the backend", async (t) => {
  const plugin = testPlugin("a", undefined, {
    probes: { hooks: group("best", "second"), extra: group("only") },
    load: ({ label }) => ({ rodata: { big: label.length }, mapEntries: { records: 4096 }, without: ["extra"] }),
  });
  const w = world([{ plugin, config: { label: "abc" } }], {}, { strategies: { hooks: "best", "a/hooks": "second" } });
  await w.agent.start();
  t.like(w.backend.session("a").request, {
    rodata: { big: 3, skep_scope_mask: 0 },
    mapEntries: { records: 4096 },
    force: { hooks: "second" },
    allowMutation: false,
  });
  t.deepEqual(Object.keys(w.backend.session("a").request.probes), ["hooks"]);
  t.is(statusOf(w.agent, "a").strategies["hooks"]?.name, "second");
  await stop(w);
});

test("a strategy that does not exist is refused before anything starts", (t) => {
  const build = (strategies: Record<string, string>) => () => world([testPlugin("a")], {}, { strategies });
  t.throws(build({ hooks: "third" }), { code: "SKEP_ERR_CONFIG", message: /no strategy third/ });
  t.throws(build({ "b/hooks": "best" }), { code: "SKEP_ERR_CONFIG", message: /no plugin has a probe group b\/hooks/ });
});

test("an optional group that cannot run, or a strategy that sees less, shows as reduced", async (t) => {
  const w = world([testPlugin("a"), testPlugin("b")], {
    a: { strategies: { hooks: { name: undefined, refused: [{ name: "best", reason: "lockdown" }] } } },
    b: { strategies: { hooks: { name: "second", limits: "no pid", refused: [] } } },
  });
  await w.agent.start();
  t.like(statusOf(w.agent, "a"), {
    state: "degraded",
    support: "reduced",
    reasons: ["probe group hooks cannot run (best: lockdown)"],
  });
  t.like(statusOf(w.agent, "b"), { state: "running", support: "reduced", reasons: ["hooks: no pid"] });
  await stop(w);
});

test("a plugin whose troubles end is running again, with the last of them", async (t) => {
  let context: PluginContext | undefined;
  const w = world([testPlugin("guide", (given) => ((context = given), {}))]);
  await w.agent.start();
  const endOfFog = context!.degrade("fog");
  const endOfNight = context!.degrade("night");
  t.like(statusOf(w.agent, "guide"), { state: "degraded", support: "reduced", reasons: ["fog", "night"] });
  endOfFog();
  t.like(statusOf(w.agent, "guide"), { state: "degraded", reasons: ["night"] });
  endOfNight();
  endOfNight();
  t.like(statusOf(w.agent, "guide"), { state: "running", support: "full", reasons: [] });
  await stop(w);
});

test("two plugins of one name are refused", (t) => {
  t.throws(() => world([testPlugin("a"), testPlugin("a")]), { code: "SKEP_ERR_PLUGIN_DUPLICATE" });
});

test("a plugin for a newer contract is refused, the others run", async (t) => {
  const w = world([testPlugin("new", undefined, { api: "1.7" }), testPlugin("b")]);
  await w.agent.start();
  t.is(w.errors[0]!.code, "SKEP_ERR_PLUGIN_API");
  t.regex(w.errors[0]!.message, /plugin new is written for plugin API 1\.7, this is 1\.0/);
  t.is(statusOf(w.agent, "b").state, "running");
  await stop(w);
});

test("a listener that throws is counted, told once, and skips no other listener", async (t) => {
  const w = world([testPlugin("a", direct)]);
  const seen: Point[] = [];
  const bad = () => {
    throw new Error("oops");
  };
  w.agent
    .on("point", bad)
    .on("point", (point) => seen.push(point))
    .on("error", bad);
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(1), record(2));
  await w.clock.advance(50);
  t.is(seen.length, 2);
  t.deepEqual(
    w.errors.map(({ code }) => code),
    ["SKEP_ERR_LISTENER"],
  );
  t.is(w.agent.status().listenerFailures, 3);
  w.agent.off("point", bad);
  w.backend.session("a").ring("records").push(record(3));
  await w.clock.advance(50);
  t.is(w.agent.status().listenerFailures, 3);
  await stop(w);
});

test("stop drains and flushes what is there, exports it, and says nothing is pending", async (t) => {
  const exported: Point[] = [];
  const exporter = { name: "memory", export: (points: readonly Point[]) => void exported.push(...points) };
  const w = world([testPlugin("sum", summing), testPlugin("direct", direct)], {}, { exporters: [exporter] });
  await w.agent.start();
  for (const name of ["direct", "sum"]) w.backend.session(name).ring("records").push(record(20), record(22));
  await stop(w);
  t.deepEqual(
    exported.map(({ fields }) => fields["value"]),
    [20, 22, 42],
  );
  for (const name of ["direct", "sum"]) assertBalanced(t, w.agent, name);
  t.like(w.agent.status().exporters, [{ name: "memory", exported: 3, queued: 0 }]);
});

test("what ends while the plugins flush for the last time is flushed as well", async (t) => {
  let late = true;
  const w = world([
    testPlugin("sum", async (context) => {
      const instance = await summing(context);
      return {
        ...instance,
        flush: async (time) => {
          await instance.flush?.(time);
          if (late) w.backend.session("sum").ring("records").push(record(5));
          late = false;
        },
      };
    }),
  ]);
  await w.agent.start();
  w.backend.session("sum").ring("records").push(record(1));
  await stop(w);
  t.deepEqual(
    w.points.map(({ fields }) => fields["value"]),
    [1, 5],
  );
  assertBalanced(t, w.agent, "sum");
});

test("stop keeps its deadline when flush, export and close all hang, and still detaches", async (t) => {
  const forever = () => new Promise<void>(() => {});
  const w = world(
    [testPlugin("a", () => ({ flush: forever, close: forever })), testPlugin("b", direct)],
    {},
    { exporters: [{ name: "stuck", export: forever }] },
  );
  await w.agent.start();
  w.backend.session("b").ring("records").push(record(1));
  let stopped = false;
  const stopping = w.agent.stop({ deadlineMs: 4000 }).then(() => (stopped = true));
  await w.clock.advance(4000);
  t.true(stopped);
  await stopping;
  t.deepEqual(w.backend.opened, []);
  t.deepEqual(w.agent.status().exporters[0]!.dropped, { export_deadline: 1 });
});

test("stop is idempotent, and before start it only makes starting impossible", async (t) => {
  const w = world([testPlugin("a")]);
  t.is(w.agent.stop(), w.agent.stop());
  await w.agent.stop();
  await t.throwsAsync(() => w.agent.start(), { code: "SKEP_ERR_AGENT_STATE" });
  t.deepEqual(w.backend.journal, []);
});

test("stop during start ends the phase under way and leaves nothing attached", async (t) => {
  const w = world([testPlugin("a"), testPlugin("hangs"), testPlugin("never")], {
    hangs: { attach: () => new Promise<void>(() => {}) },
  });
  const started = w.agent.start();
  await settle();
  const stopped = w.agent.stop();
  await t.throwsAsync(started, { code: "SKEP_ERR_AGENT_STATE" });
  await stopped;
  t.deepEqual(w.backend.opened, []);
  t.false(w.backend.journal.includes("open never"));
  t.is(w.agent.start(), started);
});

test("a plugin that emits after it was closed is counted", async (t) => {
  let late = () => {};
  const w = world([
    testPlugin("a", (context) => {
      late = () => context.emit(sample.point(1n, { kind: "late" }, { value: 1 }));
      return {};
    }),
  ]);
  await w.agent.start();
  await stop(w);
  late();
  t.deepEqual(statusOf(w.agent, "a").counters.dropped, { after_close: 1 });
  t.deepEqual(w.points, []);
});

test("flush emits now, and only while the agent runs", async (t) => {
  const w = world([testPlugin("sum", summing)]);
  await t.throwsAsync(w.agent.flush(), { code: "SKEP_ERR_AGENT_STATE" });
  await w.agent.start();
  w.backend.session("sum").ring("records").push(record(5));
  await w.agent.flush();
  t.like(w.points, [{ fields: { value: 5 } }]);
  await stop(w);
});

test("iterating gives the points and ends with the agent", async (t) => {
  const w = world([testPlugin("a", direct)]);
  const values: unknown[] = [];
  const reading = (async () => {
    for await (const point of w.agent.points()) values.push(point.fields["value"]);
  })();
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(1), record(2));
  await w.clock.advance(50);
  await stop(w);
  await reading;
  t.deepEqual(values, [1, 2]);
});

test("an iterator that nobody reads loses the oldest points, counted", async (t) => {
  const w = world([testPlugin("a", direct)]);
  const stream = w.agent.points({ buffer: 2 });
  await w.agent.start();
  w.backend.session("a").ring("records").push(record(1), record(2), record(3));
  await w.clock.advance(50);
  t.is(stream.dropped, 1);
  t.deepEqual(w.losses, [{ consumer: "points()", reason: "iterator_full", count: 1 }]);
  t.is((await stream.next()).value.fields["value"], 2);
  await stop(w);
});

test("await using stops the agent", async (t) => {
  const w = world([testPlugin("a")]);
  await w.agent.start();
  const disposed = w.agent[Symbol.asyncDispose]();
  await w.clock.advance(20_000);
  await disposed;
  t.is(w.agent.status().state, "stopped");
});

test("a scope that names what does not exist rejects start before anything is loaded", async (t) => {
  const w = world([testPlugin("a")], {}, { scope: { netns: ["/nowhere/at/all"] } });
  await t.throwsAsync(w.agent.start(), { code: "SKEP_ERR_SCOPE", message: /network namespace \/nowhere\/at\/all/ });
  t.deepEqual(w.backend.journal, []);
});

test("forks are followed in a scope by pid, and in no other", async (t) => {
  const plugin = testPlugin("a", undefined, { probes: { hooks: group("best"), ...scopeProbes } });
  const groupsIn = async (scope: Scope) => {
    const maps = [new FakeMap("scope_pids"), new FakeMap("scope_netns")];
    const w = world([plugin], { a: { maps } }, { scope });
    await w.agent.start();
    const groups = Object.keys(w.backend.session("a").request.probes);
    await stop(w);
    return groups;
  };
  t.deepEqual(await groupsIn({ pids: [process.pid] }), ["hooks", "scope"]);
  t.deepEqual(await groupsIn({ pids: [], netns: ["/proc/self/ns/net"] }), ["hooks"]);
  t.deepEqual(await groupsIn({}), ["hooks"]);
});

test("a plugin that does not follow forks in a scope by pid is degraded, and says so", async (t) => {
  const plans = { a: { maps: [new FakeMap("scope_pids")] } };
  const w = world([testPlugin("a")], plans, { scope: { pids: [process.pid] } });
  await w.agent.start();
  t.is(statusOf(w.agent, "a").state, "degraded");
  t.regex(statusOf(w.agent, "a").reasons.join(), /children .* are not seen/);
  await stop(w);
});

test("a scope is told to the object by mask and maps, and a plugin that cannot keep it does not run", async (t) => {
  const pids = new FakeMap("scope_pids");
  const follows = testPlugin("a", undefined, { probes: scopeProbes });
  const w = world([follows, testPlugin("b")], { a: { maps: [pids] } }, { scope: { pids: [process.pid] } });
  await w.agent.start();
  t.is(w.backend.session("a").request.rodata["skep_scope_mask"], 2);
  t.deepEqual(pids.lookup(new Uint8Array(Uint32Array.of(process.pid).buffer)), Uint8Array.of(1));
  t.is(statusOf(w.agent, "a").state, "running");
  t.is(statusOf(w.agent, "b").state, "failed");
  t.regex(statusOf(w.agent, "b").reasons.join(), /cannot be limited to the scope's pids/);
  t.true(w.backend.session("b").closed, "nothing stays loaded");
  await stop(w);
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
