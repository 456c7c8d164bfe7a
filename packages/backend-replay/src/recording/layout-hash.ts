// SPDX-License-Identifier: MIT

import { createHash } from "node:crypto";
import type { Layout, Plugin } from "@skep/core";

/** Layouts of everything a plugin decodes: its streams, then iterator records and map values; each struct once. */
export function layoutsOf(plugin: Pick<Plugin, "streams" | "layouts">): readonly Layout[] {
  const codecs = [...Object.values(plugin.streams).map((stream) => stream.codec), ...(plugin.layouts ?? [])];
  return [...new Map(codecs.map((codec) => [codec.layout.struct, codec.layout])).values()];
}

/** Equal for equal layouts, whatever their order: 16 hexadecimal digits. */
export function layoutHash(layouts: readonly Layout[]): string {
  const lines = layouts.map(
    ({ struct, size, fields }) =>
      `${struct}:${size}:${fields.map((field) => `${field.name}@${field.offset}+${field.size}`).join(",")}`,
  );
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex").slice(0, 16);
}
