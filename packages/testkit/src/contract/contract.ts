// SPDX-License-Identifier: MIT

import { type Plugin, serviceName } from "@skep/core";
import { fakeKernel, layoutsOf, type Verdicts } from "@skep/backend-replay";
import type { TestFn } from "ava";
import { type KernelRig, rig, type StandIn } from "../rig.js";
import { deedsOfImport } from "./inert.js";
import { differentLayouts, groupsWithoutModestRung, missingInObjects, overlongNames, undescribed } from "./manifest.js";
import { readPluginObjects } from "./objects.js";
import { watched } from "./watched.js";

export interface ContractOptions {
  /** Module whose default export, or one of whose exports, is the plugin: imported once more to see that this does nothing. */
  readonly module: URL;
  /** Configuration for the plugins that cannot do with their defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Stand-ins for services the plugin cannot do without. */
  readonly services?: readonly StandIn[];
}

/** A host that offers what a locked-down kernel does. */
const lockedDown: Verdicts = Object.fromEntries(
  ["fentry", "fexit", "kprobe", "kretprobe", "tracepoint"].map((kind) => [kind, "lockdown (scripted)"]),
);

/** Longer than any sane interval of a plugin's own. */
const longTimeMs = 10 * 60_000;

/**
 * Registers the tests every plugin must pass, each a sentence about it. They need the plugin's compiled objects, and neither
 * privileges nor a kernel.
 */
export function contract(test: TestFn, plugin: Plugin, options: ContractOptions): void {
  const { config = {}, services = [] } = options;
  const name = plugin.name;
  const clean = (problems: readonly string[]) => problems.join("\n");

  /** The plugin on a kernel with its own maps, given a few records of zeros. */
  const run = async (candidate: Plugin, verdicts: Verdicts = {}): Promise<KernelRig> => {
    const here = readPluginObjects(plugin).filter(({ arch }) => arch === process.arch);
    const objects = here.map(({ bytes }) => bytes);
    const running = await rig(candidate, { config, services, kernel: fakeKernel({ plugin, objects, verdicts }) });
    for (const { map, codec } of Object.values(plugin.streams)) {
      for (let times = 0; times < 3; times++) running.kernel.ring(map).push(new Uint8Array(codec.layout.size));
    }
    return running;
  };

  test(`${name}: importing it touches no file, process, socket, timer or native library`, async (t) => {
    t.is(clean(await deedsOfImport(options.module)), "");
  });

  test(`${name}: its default configuration is valid`, (t) => {
    const result = plugin.config.safeParse(config);
    t.is(result.error?.message ?? "", "");
  });

  test(`${name}: a configuration key it does not know is refused`, (t) => {
    t.false(plugin.config.safeParse({ ...config, no_such_key: 1 }).success, "make its schema a z.strictObject");
  });

  test(`${name}: its measurements, tags, fields and probe groups are described`, (t) => {
    t.is(clean(undescribed(plugin)), "");
  });

  test(`${name}: every mandatory probe group can do without fentry, kprobe and tracefs, or says why not`, (t) => {
    t.is(clean(groupsWithoutModestRung(plugin)), "");
  });

  test(`${name}: the kernel cuts no name of its programs and maps`, (t) => {
    t.is(clean(overlongNames(plugin, readPluginObjects(plugin))), "");
  });

  test(`${name}: its objects have every program, ring and constant its manifest names, for each architecture`, (t) => {
    t.is(clean(missingInObjects(plugin, readPluginObjects(plugin))), "");
  });

  test(`${name}: its codecs read the structs as the objects lay them out`, (t) => {
    t.is(clean(differentLayouts(layoutsOf(plugin), readPluginObjects(plugin))), "");
  });

  for (const [host, verdicts] of [
    ["a kernel that allows everything", {}],
    ["a locked-down kernel", lockedDown],
  ] as const) {
    test(`${name}: it runs on ${host} and emits only what it declares`, async (t) => {
      const running = await run(plugin, verdicts);
      t.teardown(() => running.stop());
      await running.flush();
      await running.flush();
      const declared = plugin.measurements.map((measurement) => measurement.name);
      t.deepEqual(
        running.points.filter((point) => !declared.includes(point.measurement)),
        [],
      );
      t.true(["running", "degraded"].includes(running.status.state), running.status.reasons.join("; "));
      const kept = running.errors.filter((error) => /used after its handler returned/.test(error.message));
      t.is(clean(kept.map((error) => error.message)), "", "it keeps cursors");
    });
  }

  test(`${name}: it provides the services it declares and no others`, async (t) => {
    const watch = watched(plugin);
    const running = await run(watch.plugin);
    await running.stop();
    t.deepEqual([...watch.provided].sort(), (plugin.provides ?? []).map(serviceName).sort());
  });

  test(`${name}: after it was stopped, once or twice, it emits nothing and leaves nothing attached`, async (t) => {
    const watch = watched(plugin);
    const running = await run(watch.plugin);
    await running.flush();
    await running.stop();
    await running.stop();
    t.is(watch.closes, 1);
    t.deepEqual(running.kernel.links, []);
    const emitted = running.points.length;
    await running.clock.advance(longTimeMs);
    t.is(watch.emitsAfterClose, 0);
    t.is(running.points.length, emitted);
  });
}
