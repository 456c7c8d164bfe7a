// SPDX-License-Identifier: MIT

import { type Plugin, serviceName } from "@skep/core";

/** What a watched plugin did. */
export interface Watched {
  readonly plugin: Plugin;
  /** `key@major` of what it provided. */
  readonly provided: Set<string>;
  closes: number;
  /** Emits that came after its `close` had returned. */
  emitsAfterClose: number;
}

/** The same plugin, observed from inside. */
export function watched(original: Plugin): Watched {
  const watch = { provided: new Set<string>(), closes: 0, emitsAfterClose: 0 };
  const plugin: Plugin = {
    ...original,
    async setup(context) {
      const instance = await original.setup({
        ...context,
        emit(point) {
          if (watch.closes > 0) watch.emitsAfterClose++;
          context.emit(point);
        },
        provide(id, implementation) {
          watch.provided.add(serviceName(id));
          context.provide(id, implementation);
        },
      });
      return {
        start: () => instance.start?.(),
        flush: (time) => instance.flush?.(time),
        async close() {
          await instance.close?.();
          watch.closes++;
        },
      };
    },
  };
  return Object.assign(watch, { plugin });
}
