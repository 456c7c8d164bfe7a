// SPDX-License-Identifier: MIT

import type { Session } from "../backend.js";
import type { Layout } from "../codec.js";
import { SkepError } from "../errors.js";
import type { Plugin } from "../plugin.js";

/**
 * Proves that the plugin's codecs read the structs of the objects that were really loaded, by those objects' own BTF.
 * What only an object knows that was left out (none of its groups runs) is never decoded and needs no proof.
 * @throws SkepError `SKEP_ERR_LAYOUT` naming plugin, struct and field.
 */
export function proveLayouts(plugin: Plugin, session: Session): void {
  const codecs = [...Object.values(plugin.streams).map((stream) => stream.codec), ...(plugin.layouts ?? [])];
  const complete = Object.keys(plugin.objects).every((name) => isLoaded(plugin, session, name));
  for (const { layout } of codecs) {
    const loaded = session.layoutOf(layout.struct);
    if (loaded === undefined && !complete) continue;
    const difference = differenceOf(layout, loaded);
    if (difference === undefined) continue;
    throw new SkepError("SKEP_ERR_LAYOUT", `plugin ${plugin.name}: struct ${layout.struct} ${difference}`, {
      plugin: plugin.name,
      phase: "load",
      hint: "the codec and the BPF object come from different builds: run `skep-bpf build` and use what it made together",
    });
  }
}

/** A group that names no object is in the plugin's only one, which is there. */
const isLoaded = (plugin: Plugin, session: Session, name: string): boolean =>
  Object.entries(session.strategies).some(
    ([group, chosen]) => chosen.name !== undefined && (plugin.probes[group]?.object ?? name) === name,
  );

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
