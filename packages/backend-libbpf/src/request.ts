// SPDX-License-Identifier: MIT

import { SkepError, type Attach, type OpenRequest, type ProbeGroup, type Strategy } from "@skep/core";
import { bindTarget, type AttachContext } from "./attach.js";
import { BpfObject } from "./object.js";
import { ObjectImage } from "./object-image.js";
import type { Constant } from "./rodata.js";

/** Places of a program, always as a list. */
export const placesOf = (places: Attach | readonly Attach[]): readonly Attach[] =>
  Array.isArray(places) ? (places as readonly Attach[]) : [places as Attach];

/** Name of the object that holds a group's programs. @throws SkepError `SKEP_ERR_OBJECT` when it cannot be told. */
export function objectOf(request: OpenRequest, groupName: string, group: ProbeGroup): string {
  const names = Object.keys(request.objects);
  const name = group.object ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined && request.objects[name] !== undefined) return name;
  throw mistake(
    request,
    name === undefined
      ? `probe group ${groupName} does not say which object it is in: ${names.join(", ")}`
      : `probe group ${groupName} is in object ${name}, which the plugin does not have`,
  );
}

/** Constants and map sizes that no object knows are slips of the pen, and found before anything is loaded. */
export function requireKnownNames(request: OpenRequest): void {
  const images = Object.values(request.objects).map((bytes) => ObjectImage.of(bytes));
  const strategies = Object.values(request.probes).flatMap((group) => group.strategies);
  const constants = [request.rodata, ...strategies.map(({ rodata }) => rodata ?? {})].flatMap(Object.keys);
  // Those of skep's own headers are there or not, as the source includes them; core sees to what that means.
  const own = constants.filter((name) => !name.startsWith("skep_"));
  requireAll(request, images, own, ".rodata", "constant");
  requireAll(request, images, Object.keys(request.mapEntries), ".maps", "map");
}

function requireAll(
  request: OpenRequest,
  images: readonly ObjectImage[],
  wanted: readonly string[],
  section: string,
  what: string,
): void {
  if (wanted.length === 0) return;
  const known = images.flatMap(({ btf }) => (btf.dataSection(section) ?? []).map(({ name }) => name));
  const strange = wanted.find((name) => !known.includes(name));
  if (strange === undefined) return;
  throw mistake(request, `no object has a ${what} ${strange}; there are ${known.join(", ") || "none"}`);
}

/**
 * Opens an object and sets it up so that exactly the programs of `strategies` are loaded. Not loaded yet.
 * @throws SkepError `SKEP_ERR_OBJECT`, `SKEP_ERR_MUTATION`, or what binding a program to its target throws.
 */
export function prepareObject(
  context: AttachContext,
  request: OpenRequest,
  name: string,
  strategies: readonly Strategy[],
  constants: Readonly<Record<string, Constant>>,
): BpfObject {
  const object = BpfObject.open(context.library, context.host, request.plugin, name, request.objects[name]!);
  try {
    const places = programPlaces(strategies);
    const programs = [...places.keys()];
    programs.forEach((program) => object.program(program));
    object.loadOnly(new Set(programs));
    if (!request.allowMutation) object.refuseMutations(programs);
    for (const [program, where] of places) bindTarget(context, object.program(program), where);
    object.setConstants(constants);
    object.setMapEntries(request.mapEntries);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}

/** Program -> places over several strategies; a place that two of them name is one. */
export function programPlaces(strategies: readonly Strategy[]): ReadonlyMap<string, readonly Attach[]> {
  const all = new Map<string, Map<string, Attach>>();
  for (const { programs } of strategies) {
    for (const [program, places] of Object.entries(programs)) {
      const known = all.get(program) ?? new Map<string, Attach>();
      for (const place of placesOf(places)) known.set(identity(place), place);
      all.set(program, known);
    }
  }
  return new Map([...all].map(([program, places]) => [program, [...places.values()]]));
}

/** JSON that tells values apart, bigints too. */
export const identity = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}n` : inner));

export const mistake = (request: OpenRequest, message: string): SkepError =>
  new SkepError("SKEP_ERR_OBJECT", `${request.plugin}: ${message}`, { plugin: request.plugin, phase: "load" });
