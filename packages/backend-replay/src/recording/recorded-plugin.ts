// SPDX-License-Identifier: MIT

import { definePlugin, type Plugin, type PluginContext, type PluginInstance, serviceName } from "@skep/core";
import { isPlainValue } from "./plain-value.js";
import { questionTo } from "./question.js";
import type { RecordingWriter } from "./writer.js";

/**
 * The same plugin, and whatever it learns elsewhere than from its session is written down too: answers of services, facts, when
 * each flush and timer came. A method that takes or gives functions (a subscription) is none that can be written down.
 * @param writerOf the writer of the plugin's session; undefined for one without BPF objects, which is not recorded
 */
export function recordedPlugin(plugin: Plugin, writerOf: () => RecordingWriter | undefined): Plugin {
  return definePlugin({
    ...plugin,
    async setup(context): Promise<PluginInstance> {
      const writer = writerOf();
      if (writer === undefined) return plugin.setup(context);
      const instance = await plugin.setup(recordedContext(context, writer));
      return {
        start: () => instance.start?.(),
        flush(time, isLast = false) {
          writer.turn({ why: "flush", time, ...(isLast && { isLast }) });
          return instance.flush?.(time, isLast);
        },
        close: () => instance.close?.(),
      };
    },
  });
}

function recordedContext(context: PluginContext, writer: RecordingWriter): PluginContext {
  let [timers, sleeps] = [0, 0];
  // Two readings of a clock are never the same time: one boot time for all of a recording.
  const boot = context.bootTime();
  writer.told({ key: "bootTime", value: boot });
  const services = new WeakMap<object, object>();
  const tapped = <S>(name: string, implementation: S): S => {
    if (typeof implementation !== "object" || implementation === null) return implementation;
    const known = services.get(implementation) ?? tap(name, implementation, writer);
    services.set(implementation, known);
    return known as S;
  };
  return {
    ...context,
    bootTime: () => boot,
    use: (id) => tapped(serviceName(id), context.use(id)),
    tryUse: (id) => {
      const found = context.tryUse(id);
      writer.told({ key: `tryUse ${serviceName(id)}`, value: found !== undefined });
      return found === undefined ? undefined : tapped(serviceName(id), found);
    },
    fact: (key, look) => {
      const value = context.fact(key, look);
      writer.told({ key: `fact ${key}`, value });
      return value;
    },
    every(ms, fn) {
      const timer = timers++;
      context.every(ms, () => {
        writer.turn({ why: "every", timer });
        return fn();
      });
    },
    async sleep(ms) {
      const sleep = sleeps++;
      await context.sleep(ms);
      writer.turn({ why: "wake", sleep });
    },
  };
}

function tap(name: string, implementation: object, writer: RecordingWriter): object {
  return new Proxy(implementation, {
    get(target, property): unknown {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function" || typeof property === "symbol") return member;
      return (...parameters: unknown[]): unknown => {
        const value: unknown = Reflect.apply(member, target, parameters);
        if (isPlainValue(parameters) && isPlainValue(value)) {
          writer.told({ key: questionTo(name, property, parameters), value });
        }
        return value;
      };
    },
  });
}
