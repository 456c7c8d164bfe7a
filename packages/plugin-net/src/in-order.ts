// SPDX-License-Identifier: MIT

import type { PluginInstance } from "@skep/core";

/** Several parts as one plugin: started and flushed in the order given, closed in reverse, each even when another fails to. */
export function inOrder(...parts: readonly PluginInstance[]): Required<PluginInstance> {
  return {
    async start() {
      for (const part of parts) await part.start?.();
    },
    async flush(time, isLast) {
      for (const part of parts) await part.flush?.(time, isLast);
    },
    async close() {
      const failures: unknown[] = [];
      for (const part of [...parts].reverse()) {
        try {
          await part.close?.();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
