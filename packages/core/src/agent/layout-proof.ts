// SPDX-License-Identifier: MIT

import type { Session } from "../backend.js";
import type { Layout } from "../codec.js";
import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";

/**
 * Proves that the plugin's codecs read the structs of the objects that were really loaded, by those objects' own BTF.
 * @throws SkepError `SKEP_ERR_LAYOUT` naming plugin, struct and field.
 */
export function proveLayouts(plugin: Plugin, session: Session): void {
  const codecs = [...Object.values(plugin.streams).map((stream) => stream.codec), ...(plugin.layouts ?? [])];
  for (const { layout } of codecs) {
    const difference = differenceOf(layout, session.layoutOf(layout.struct));
    if (difference === undefined) continue;
    throw new SkepError("SKEP_ERR_LAYOUT", `plugin ${plugin.name}: struct ${layout.struct} ${difference}`, {
      plugin: plugin.name,
      phase: "load",
      hint: "the codec and the BPF object come from different builds: run `skep-bpf build` and use what it made together",
    });
  }
}

/** What is different, in words; undefined when the codec fits. Fields the codec does not read may be there. */
function differenceOf(codec: Layout, loaded: Layout | undefined): string | undefined {
  if (loaded === undefined) return "is not in the loaded object";
  if (loaded.size !== codec.size) return `has ${loaded.size} bytes in the loaded object, ${codec.size} in the codec`;
  const there = new Map(loaded.fields.map((field) => [field.name, field]));
  for (const field of codec.fields) {
    const other = there.get(field.name);
    if (other === undefined) return `has no field ${field.name} in the loaded object`;
    if (other.offset !== field.offset || other.size !== field.size) {
      const [is, expected] = [other, field].map((at) => `bytes ${at.offset} to ${at.offset + at.size}`);
      return `has its field ${field.name} at ${is} in the loaded object, at ${expected} in the codec`;
    }
  }
  return undefined;
}
