// SPDX-License-Identifier: MIT

import { definePlugin, type Plugin, type PluginContext, type PluginInstance, serviceName } from "@skep/core";
import { questionTo } from "../recording/question.js";
import type { Script } from "./script.js";

/**
 * The same plugin, told by a script what it was told when it was recorded, and given its turns when the script says so.
 * @param next the script of the plugin's next session
 */
export function replayedPlugin(plugin: Plugin, next: () => Script | undefined): Plugin {
  return definePlugin({
    ...plugin,
    async setup(context): Promise<PluginInstance> {
      const script = next();
      if (script === undefined) return plugin.setup(context);
      const instance = await plugin.setup(replayedContext(context, script));
      script.begin((map) => {
        const stream = Object.keys(plugin.streams).find((name) => plugin.streams[name]?.map === map);
        if (stream !== undefined) context.ring(stream).catchUp();
      });
      return {
        start: () => instance.start?.(),
        // The agent asks all plugins; only the one whose turn it was then answers.
        async flush() {
          const due = script.dueFlushes.shift();
          if (due !== undefined) await instance.flush?.(due.time, due.isLast);
        },
        close: () => instance.close?.(),
      };
    },
  });
}

function replayedContext(context: PluginContext, script: Script): PluginContext {
  const replayed = <S>(name: string, implementation: S | undefined): S =>
    answering(name, (implementation ?? {}) as object, script) as S;
  return {
    ...context,
    bootTime: () => script.answer("bootTime", () => context.bootTime()),
    use: (id) => replayed(serviceName(id), context.tryUse(id)),
    tryUse: (id) => {
      const found = context.tryUse(id);
      const was = script.answer(`tryUse ${serviceName(id)}`, () => found !== undefined);
      return was ? replayed(serviceName(id), found) : undefined;
    },
    fact: <T>(key: string) => script.answer<T>(`fact ${key}`, () => undefined as T),
    every: (_ms, fn) => void script.timers.push(fn),
    sleep: () => new Promise((resolve) => void script.sleepers.push(resolve)),
  };
}

/** What was asked then is answered as then; for the rest (subscriptions) there is what this agent has. */
function answering(name: string, implementation: object, script: Script): object {
  return new Proxy(implementation, {
    get(target, property): unknown {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof property === "symbol" || (member !== undefined && typeof member !== "function")) return member;
      return (...parameters: unknown[]): unknown => {
        const otherwise = (): unknown => (member === undefined ? undefined : Reflect.apply(member, target, parameters));
        return script.answer(questionTo(name, property, parameters), otherwise);
      };
    },
  });
}
