// SPDX-License-Identifier: MIT
import { type Cursor, definePlugin, type Plugin, service } from "@skep/core";
import test, { type ExecutionContext, type Implementation, type TestFn } from "ava";
import { z } from "zod";
import { contract, type ContractOptions } from "../../src/index.js";
import { beat, toy } from "./support/toy.js";

const module = new URL("./support/plain-plugin.ts", import.meta.url);

/** A plugin that keeps the contract keeps it here, too. */
contract(test, toy, { module });

/** Runs the contract's tests on a plugin; gives the titles of those that fail, without the plugin's name. */
async function broken(t: ExecutionContext, plugin: Plugin, options: Partial<ContractOptions> = {}): Promise<string[]> {
  const registered: (readonly [string, Implementation<[]>])[] = [];
  const register = (title: string, implementation: Implementation<[]>) => void registered.push([title, implementation]);
  contract(register as unknown as TestFn, plugin, { module, ...options });
  const failed: string[] = [];
  for (const [title, implementation] of registered) {
    const attempt = await t.try(implementation);
    attempt.discard();
    if (!attempt.passed) failed.push(title.replace(`${plugin.name}: `, ""));
  }
  t.true(registered.length >= 12);
  return failed;
}

const strategy = toy.probes["beats"]!.strategies[0];
const withStrategy = (changed: Partial<typeof strategy>): Plugin => ({
  ...toy,
  probes: { beats: { observes: "beats", strategies: [{ ...strategy, ...changed }] } },
});

test("an import with side effects is found out", async (t) => {
  const busy = new URL("./support/busy-plugin.ts", import.meta.url);
  t.deepEqual(await broken(t, toy, { module: busy }), [
    "importing it touches no file, process, socket, timer or native library",
  ]);
});

test("a configuration that takes unknown keys or has no defaults is found out", async (t) => {
  t.deepEqual(await broken(t, { ...toy, config: z.object({ step: z.number().default(1) }) }), [
    "a configuration key it does not know is refused",
  ]);
  const failed = await broken(t, { ...toy, config: z.strictObject({ step: z.number() }) });
  t.true(failed.includes("its default configuration is valid"));
  t.deepEqual(await broken(t, { ...toy, config: z.strictObject({ step: z.number() }) }, { config: { step: 2 } }), []);
});

test("missing descriptions are found out", async (t) => {
  t.deepEqual(await broken(t, { ...toy, description: " " }), [
    "its measurements, tags, fields and probe groups are described",
  ]);
});

test("a mandatory group that needs fentry must say so in its limits", async (t) => {
  const programs = { on_beat: { kind: "fentry", fn: "do_exit" } } as const;
  const title = "every mandatory probe group can do without fentry, kprobe and tracefs, or says why not";
  const locked = "it runs on a locked-down kernel and emits only what it declares";
  t.deepEqual(await broken(t, withStrategy({ programs })), [title, locked]);
  t.deepEqual(await broken(t, withStrategy({ programs, limits: "needs fentry: there is no other hook" })), [locked]);
});

test("programs, constants and rings that are not in the objects are found out", async (t) => {
  const title = "its objects have every program, ring and constant its manifest names, for each architecture";
  const place = { kind: "tp_btf", event: "x" } as const;
  t.deepEqual(await broken(t, withStrategy({ programs: { nobody: place } })), [title]);
  t.deepEqual(await broken(t, withStrategy({ rodata: { nothing: 1 } })), [title]);
  const hearts = { ...toy, streams: { beats: { map: "hearts", codec: beat } } };
  t.true((await broken(t, hearts)).includes(title));
});

test("names the kernel would cut are found out", async (t) => {
  const failed = await broken(t, withStrategy({ programs: { a_name_of_sixteen: { kind: "tp_btf", event: "x" } } }));
  t.true(failed.includes("the kernel cuts no name of its programs and maps"));
});

test("a codec that reads other bytes than the object writes is found out", async (t) => {
  const fields = beat.layout.fields.map((field) => (field.name === "pid" ? { ...field, offset: 8 } : field));
  const shifted = { ...beat, layout: { ...beat.layout, fields } };
  t.deepEqual(await broken(t, { ...toy, streams: { beats: { map: "beats", codec: shifted } } }), [
    "its codecs read the structs as the objects lay them out",
  ]);
});

test("a plugin that keeps cursors is found out", async (t) => {
  const keeper: Plugin = {
    ...toy,
    setup(context) {
      const kept: Cursor[] = [];
      context.ring("beats").on((record) => void kept.push(record));
      return { flush: () => kept.forEach((cursor) => beat.count(cursor)) };
    },
  };
  t.true(
    (await broken(t, keeper)).includes("it runs on a kernel that allows everything and emits only what it declares"),
  );
});

test("a service that is declared and not provided is found out", async (t) => {
  const Pulse = service<object>("test.pulse", 1);
  t.deepEqual(await broken(t, { ...toy, provides: [Pulse] }), ["it provides the services it declares and no others"]);
});

test("a plugin that emits after it was stopped is found out", async (t) => {
  const restless = definePlugin({
    ...toy,
    setup(context) {
      const emit = () => context.emit({ measurement: "beats", category: "network", time: 0n, tags: {}, fields: {} });
      return { close: () => void setImmediate(emit) };
    },
  });
  t.deepEqual(await broken(t, restless), [
    "after it was stopped, once or twice, it emits nothing and leaves nothing attached",
  ]);
});
