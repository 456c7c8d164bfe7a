// SPDX-License-Identifier: MIT
import { definePlugin, service } from "@skep/core";
import test from "ava";
import { z } from "zod";
import { encode, rig, standIn } from "../../src/index.js";
import { beat, toy, toyObject } from "./support/toy.js";
import { mapDefinitions } from "@skep/backend-replay";

test("records pushed into a rig's kernel are points after its flush", async (t) => {
  const running = await rig(toy, { config: { step: 10 } });
  running.kernel.ring("beats").push(encode(beat, { count: 4, comm: "cat" }));
  const points = await running.flush();
  t.deepEqual(points.map(({ tags, fields }) => [tags["comm"], fields["count"]]), [["cat", 40]]); // prettier-ignore
  t.is(running.strategies["beats"]!.name, "tp_btf");
  t.is(running.status.state, "running");
  await running.stop();
  t.deepEqual(running.errors, []);
});

test("a rig rejects when the plugin cannot start, with its reason", async (t) => {
  await t.throwsAsync(rig(toy, { verdicts: { tp_btf: "no BTF" } }), { message: /no BTF/ });
  await t.throwsAsync(rig(toy, { config: { step: "x" } }), { message: /step/ });
});

test("a plugin finds the services that stand in", async (t) => {
  const Greeting = service<{ hello(): string }>("test.greeting", 1);
  let said = "";
  const guest = definePlugin({
    name: "guest",
    version: "1.0.0",
    description: "says hello",
    config: z.strictObject({}),
    measurements: [],
    objects: {},
    probes: {},
    streams: {},
    capabilities: [],
    uses: [Greeting],
    setup(context) {
      said = context.use(Greeting).hello();
      return {};
    },
  });
  const running = await rig(guest, { services: [standIn(Greeting, { hello: () => "good morning" })] });
  t.is(said, "good morning");
  await running.stop();
});

test("map definitions are read from a compiled object", (t) => {
  t.deepEqual(mapDefinitions(toyObject), [
    { name: "beats", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
    { name: "hearts", type: "percpu_hash", keySize: 4, valueSize: 40, maxEntries: 77 },
  ]);
});
