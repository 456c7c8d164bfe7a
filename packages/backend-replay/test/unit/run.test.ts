// SPDX-License-Identifier: MIT
// A run is recorded whole: what plugins learn beside their session, and when, is played again too.
import {
  createAgent,
  defineMeasurement,
  definePlugin,
  field,
  type Plugin,
  type Point,
  ProcessTable,
  tag,
} from "@skep/core";
import fc from "fast-check";
import { z } from "zod";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  createRunFile,
  fakeClock,
  fakeKernel,
  parseRun,
  Player,
  recorder,
  type RunHeader,
  type RunRecording,
} from "../../src/index.js";
import { fromPlain, isPlainValue, toPlain } from "../../src/recording/plain-value.js";
import { beatBytes, toy } from "./toy.js";

const header: RunHeader = {
  hostname: "there",
  service: "s",
  tags: { zone: "z" },
  interval: 1000,
  host: { kernel: "6.1" },
};

const pulse = defineMeasurement({
  name: "pulse",
  category: "network",
  description: "what was learnt by a flush",
  tags: { name: tag("answers") },
  fields: { count: field("int", "1", "beats and ticks") },
});

/** A toy that asks: a service, the host, the clock; that sleeps in its flush and counts the turns of a timer. */
const curious = (look: () => string) =>
  definePlugin({
    ...toy,
    measurements: [pulse],
    uses: [ProcessTable],
    setup(context) {
      let [beats, ticks] = [0, 0];
      const boot = context.bootTime();
      const processes = context.use(ProcessTable);
      context.ring("beats").on(() => {
        beats++;
        context.count("aggregated");
      });
      context.every(300, () => void ticks++);
      return {
        async flush(time) {
          const before = beats;
          await context.sleep(50);
          const name = `${context.fact("mood", look)} ${processes.nameOf(process.pid)} ${time - boot}`;
          context.count("observed");
          context.emit(pulse.point(time, { name }, { count: before * 1_000_000 + beats * 1000 + ticks }));
        },
      };
    },
  });

const curiousOnce = (): Plugin => {
  const moods = ["good", "good", "bad", "better", "best"];
  return curious(() => moods.shift() ?? "none");
};

/** A toy that reads an iterator at each flush, and tells what came before, and while, it read. */
const reading = definePlugin({
  ...toy,
  measurements: [pulse],
  setup(context) {
    let beats = 0;
    context.ring("beats").on(() => {
      beats++;
      context.count("aggregated");
    });
    return {
      async flush(time, isLast) {
        const before = beats;
        await context.iterator("hearts").read(8, () => {});
        const between = beats;
        await context.iterator("hearts").read(8, () => {});
        context.count("observed");
        context.emit(pulse.point(time, { name: `${before} ${between} ${isLast ? 1 : 0}` }, { count: beats }));
      },
    };
  },
});

async function recorded(
  t: ExecutionContext,
  plugin: Plugin = curiousOnce(),
  kernel = fakeKernel({ plugin: toy }),
): Promise<{ bytes: Uint8Array; points: Point[] }> {
  const folder = mkdtempSync(join(tmpdir(), "skep-run-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "run");
  const file = createRunFile(path);
  file.begin(header);
  const clock = fakeClock();
  const observer = recorder(kernel, [{ plugin }], () => file.session());
  const { hostname, service, tags } = header;
  const agent = createAgent({ ...observer, interval: 1000, clock, hostname, service, tags });
  const points: Point[] = [];
  agent.on("point", (point) => points.push(point));
  await agent.start();
  for (let step = 0; step < 330; step++) {
    if (step % 3 === 0) kernel.ring("beats").push(beatBytes(1));
    // Two reads a flush, 40 ms each.
    if (step > 100 && [4, 8].includes(step % 100)) kernel.iterator("hearts").turnstile.admit();
    await clock.advance(10);
  }
  kernel.iterator("hearts").turnstile.open();
  await clock.run(agent.stop());
  file.close();
  return { bytes: readFileSync(path), points };
}

async function played(run: RunRecording, plugin: Plugin = curious(() => "never asked")): Promise<Point[]> {
  const player = new Player(run, { plugins: [plugin] });
  const points: Point[] = [];
  player.agent.on("point", (point) => points.push(point));
  await player.play();
  return points;
}

test("a replay gives the points again, with the answers, the times and the turns that were", async (t) => {
  const { bytes, points } = await recorded(t);
  const run = parseRun(bytes);
  t.true(run.complete);
  t.deepEqual(run.header, header);
  t.true(points.length >= 3);
  t.is(new Set(points.map(({ tags }) => tags["name"])).size, points.length);
  t.deepEqual(await played(run), points);
});

test("records that came while a flush was reading come then again", async (t) => {
  const kernel = fakeKernel({ plugin: toy, verdicts: { fentry: false } });
  kernel.iterator("hearts").turnstile.watch();
  const { bytes, points } = await recorded(t, reading, kernel);
  const counts = points.map(({ tags, fields }) => [...String(tags["name"]).split(" "), fields["count"]].map(Number));
  t.deepEqual(
    counts.map(([, , isLast]) => isLast),
    [0, 0, 0, 1],
  );
  t.true(counts.some(([before = 0, between = 0, , after = 0]) => before < between && between < after));
  t.deepEqual(await played(parseRun(bytes), reading), points);
});

test("of a recording cut anywhere, the beginning is played", async (t) => {
  const { bytes, points } = await recorded(t);
  const headerEnd = bytes.indexOf(0x0a) + 1;
  for (const share of [0, 0.2, 0.5, 0.8, 0.99]) {
    const run = parseRun(bytes.subarray(0, headerEnd + Math.floor((bytes.length - headerEnd) * share)));
    t.false(run.complete);
    if (run.sessions.length === 0) continue;
    const again = await played(run);
    t.deepEqual(again, points.slice(0, again.length));
  }
});

test("whatever bytes it is given, the reader answers with a run or SKEP_ERR_RECORDING", async (t) => {
  const { bytes } = await recorded(t);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (damage) => {
      const damaged = Uint8Array.from(bytes);
      for (const [at, byte] of damage) damaged[at] = byte;
      try {
        return parseRun(damaged).sessions.length >= 0;
      } catch (error) {
        return (error as { code?: string }).code === "SKEP_ERR_RECORDING";
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("a plain value comes back as it was, bigints too", (t) => {
  const plain = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.bigInt()),
    value: fc.oneof(
      { maxDepth: 3 },
      tie("leaf"),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string({ minLength: 2 }), tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(plain, (value) => {
      t.true(isPlainValue(value));
      t.deepEqual(fromPlain(JSON.parse(JSON.stringify(toPlain(value)))), value);
    }),
  );
});

test("what only lives in this process is no plain value", (t) => {
  for (const value of [() => {}, Promise.resolve(), { on: () => {} }, [new Map()], new Uint8Array(1)]) {
    t.false(isPlainValue(value));
  }
});

test("what a plugin's configuration holds in secret does not get into a recording", async (t) => {
  const { load: _load, ...rest } = toy;
  const secretive = definePlugin({
    ...rest,
    config: z.object({
      token: z.string().default("").meta({ description: "a key", writeOnly: true }),
      word: z.string().default("").meta({ description: "no secret" }),
    }),
    setup: () => ({}),
  });
  const headers: unknown[] = [];
  const config = { token: "hunter2", word: "plain" };
  const observer = recorder(fakeKernel({ plugin: toy }), [{ plugin: secretive, config }], (header) => {
    headers.push(header.config);
    return { write() {}, close() {} };
  });
  const agent = createAgent({ ...observer, interval: 1000, clock: fakeClock() });
  await agent.start();
  await agent.stop();
  t.deepEqual(headers, [{ word: "plain" }]);
});
